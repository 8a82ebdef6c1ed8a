-- Puts a parked entry at the end of its lane. Its key is claimed for as long as for any that waits.
--
-- KEYS: the lane's parked entries, its stream, and the claim if the entry has a key.
-- ARGV: the entry's id, its text, how many ms a claim holds, and what its claim says.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('PERSIST', KEYS[1])  -- Changes nothing, and a Redis that is full takes what follows it.
local id = redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
if KEYS[3] then
  local claim = redis.call('GET', KEYS[3])
  if not claim or string.match(claim, '^%S+') == ARGV[1] then
    redis.call('SET', KEYS[3], id .. ' ' .. ARGV[4], 'PX', ARGV[3])
  end
end
return 1
