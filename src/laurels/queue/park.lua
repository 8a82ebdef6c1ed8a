-- Takes an entry out of its lane and keeps it as parked.
--
-- KEYS: the lane's stream, its parked entries, its tries.
-- ARGV: the entry's id, and what is kept of it.
--
-- Kept before it is taken out; one that somebody else has taken out meanwhile is left alone.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
redis.call('XACK', KEYS[1], 'laurels', ARGV[1])
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1] .. ':begun', ARGV[1] .. ':ended')
return 1
