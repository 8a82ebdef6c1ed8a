-- Takes a lane that nobody else holds. KEYS: the holder. ARGV: who, for how many ms.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])  -- Comes first for the sake of a Redis that is full: see script.py.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
