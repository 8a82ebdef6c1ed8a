-- Appends events to a lane, each unless its key waits there already.
--
-- KEYS: the lane's stream, then the claim of each event that has a key, in order.
-- ARGV: how many ms a claim holds; then for each event its entry, and what its claim says, or ''
-- where it has no key.
-- Answers the place of each event whose key waits, from 1, and after it what the claim says.
--
-- An entry is there before its claim: half-run, this leaves a second entry, never an empty claim.
local waiting = {}
local claims = 1
for at = 2, #ARGV, 2 do
  local claim = ARGV[at + 1]
  local found = false
  if claim ~= '' then
    claims = claims + 1
    found = redis.call('GET', KEYS[claims])
  end
  if found then
    waiting[#waiting + 1] = at / 2
    waiting[#waiting + 1] = found
  else
    local id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[at])
    if claim ~= '' then
      redis.call('SET', KEYS[claims], id .. ' ' .. claim, 'PX', ARGV[1])
    end
  end
end
return waiting
