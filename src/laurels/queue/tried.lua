-- Notes that whoever tried an entry alone lives, once. KEYS: the lane's tries.
-- ARGV: the entry's id, who, and 1 if it failed by a fault of its own, else 0.
local field = ARGV[1] .. ':begun'
local others, is_noted = {}, false
for who in string.gmatch(redis.call('HGET', KEYS[1], field) or '', '%S+') do
  if who == ARGV[2] then
    is_noted = true
  else
    others[#others + 1] = who
  end
end
if is_noted then
  redis.call('HDEL', KEYS[1], field)  -- Comes first for the sake of a Redis that is full.
  if #others > 0 then
    redis.call('HSET', KEYS[1], field, table.concat(others, ' '))
  end
  if ARGV[3] == '1' then
    redis.call('HINCRBY', KEYS[1], ARGV[1] .. ':failed', 1)
  end
end
return 1
