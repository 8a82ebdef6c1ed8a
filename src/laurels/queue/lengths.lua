-- Tells how many entries lie in each of some lanes. KEYS: their streams.
local lengths = {}
for at, stream in ipairs(KEYS) do
  lengths[at] = redis.call('XLEN', stream)
end
return lengths
