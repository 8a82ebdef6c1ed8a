-- Takes an entry out of its lane and keeps it as parked, and its key with it, for as long as it lies.
--
-- KEYS: the lane's stream, its parked entries, its tries, and the claim if the entry has a key.
-- ARGV: the entry's id, what is kept of it, and what its claim says.
--
-- Kept before it is taken out; one that somebody else has taken out meanwhile is left alone. Its
-- tries come first for the sake of a Redis that is full.
redis.call('HDEL', KEYS[3], ARGV[1] .. ':begun', ARGV[1] .. ':failed')
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  if KEYS[4] then
    redis.call('SET', KEYS[4], ARGV[1] .. ' ' .. ARGV[3], 'NX')
    if string.match(redis.call('GET', KEYS[4]), '^%S+') == ARGV[1] then
      redis.call('PERSIST', KEYS[4])
    end
  end
end
redis.call('XACK', KEYS[1], 'laurels', ARGV[1])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
