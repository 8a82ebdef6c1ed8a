-- Tells what was sent first with a key that waits: the entry's text, or what is kept of it as parked.
--
-- KEYS: the claim, the lane's stream, its parked entries.
-- Answers 0 and the text, or 1 and what is kept; nil where neither is there any more.
local claim = redis.call('GET', KEYS[1])
if not claim then
  return false
end
local id = string.match(claim, '^%S+')
local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
if entry then
  return {0, entry[2][2]}
end
local kept = redis.call('HGET', KEYS[3], id)
return kept and {1, kept}
