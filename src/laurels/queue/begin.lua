-- Notes who tries an entry alone. KEYS: the lane's tries. ARGV: the entry's id, who.
--
-- Answers how often it has failed, and how many others began and never told the end.
local field = ARGV[1] .. ':begun'
local begun = redis.call('HGET', KEYS[1], field) or ''
local others, is_noted = 0, false
for who in string.gmatch(begun, '%S+') do
  if who == ARGV[2] then
    is_noted = true
  else
    others = others + 1
  end
end
if not is_noted then
  redis.call('HDEL', KEYS[1], field)  -- Comes first for the sake of a Redis that is full.
  redis.call('HSET', KEYS[1], field, begun .. ' ' .. ARGV[2])
end
return {tonumber(redis.call('HGET', KEYS[1], ARGV[1] .. ':failed') or 0), others}
