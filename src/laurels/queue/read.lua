-- Hands out entries of a lane to whoever holds it.
--
-- KEYS: the lane's stream, its holder.
-- ARGV: who asks, the consumer, how many, and the id after which to read what was handed out
-- before, or '>' for what never was.
-- Answers nil to others than the holder; else one string, which is much cheaper to read than a
-- list: for each entry the lengths of its id and of its text, then both.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return false
end
local function read()
  return redis.pcall(
    'XREADGROUP', 'GROUP', 'laurels', ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], ARGV[4]
  )
end
local got = read()
if got and got.err and string.find(got.err, 'NOGROUP', 1, true) then
  redis.call('XGROUP', 'CREATE', KEYS[1], 'laurels', '0', 'MKSTREAM')
  got = read()
end
if not got then
  return ''
end
if got.err then
  return got
end
local told = {}
for _, entry in ipairs(got[1][2]) do
  local id, fields = entry[1], entry[2]
  if fields then
    -- Whatever somebody else has put there is told as it is, for a person to read.
    local text = (#fields == 2 and fields[1] == 'e') and fields[2] or table.concat(fields, ' ')
    told[#told + 1] = struct.pack('>I4I4', #id, #text) .. id .. text
  else
    redis.call('XACK', KEYS[1], 'laurels', id)  -- It was deleted by hand.
  end
end
return table.concat(told)
