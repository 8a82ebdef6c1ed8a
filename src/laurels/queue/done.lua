-- Removes what is committed.
--
-- KEYS: the lane's stream, its tries, then the claims of the entries that have keys.
-- ARGV: how many ms the claims hold from now on, then the ids of the entries.
--
-- Acknowledged before it is deleted: half-run, nothing is left that would be handed out again.
local ids = {unpack(ARGV, 2)}
redis.call('XACK', KEYS[1], 'laurels', unpack(ids))
redis.call('XDEL', KEYS[1], unpack(ids))
if redis.call('EXISTS', KEYS[2]) == 1 then
  for _, id in ipairs(ids) do
    redis.call('HDEL', KEYS[2], id .. ':begun', id .. ':failed')
  end
end
for at = 3, #KEYS do
  redis.call('PEXPIRE', KEYS[at], ARGV[1])
end
return #ids
