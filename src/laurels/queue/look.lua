-- Tells how much lies in some lanes, what is parked included, and for how many ms the first of all
-- their entries has. KEYS: a lane's stream and its parked entries, lane after lane.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count, waited = 0, 0
for at = 1, #KEYS, 2 do
  local length = redis.call('XLEN', KEYS[at])
  if length > 0 then
    local id = redis.call('XRANGE', KEYS[at], '-', '+', 'COUNT', 1)[1][1]
    waited = math.max(waited, now - tonumber(string.match(id, '^%d+')))
  end
  count = count + length + redis.call('HLEN', KEYS[at + 1])
end
return {count, waited}
