-- Tells how much lies in a lane, what is parked included, and for how many ms its first entry has.
-- KEYS: the lane's stream, its parked entries.
local count = redis.call('XLEN', KEYS[1])
local waited = 0
if count > 0 then
  local id = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  waited = now - tonumber(string.match(id, '^%d+'))
end
return {count + redis.call('HLEN', KEYS[2]), waited}
