-- Puts a parked entry at the end of its lane.
--
-- KEYS: the lane's parked entries, its stream.
-- ARGV: the entry's id, and its text.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
