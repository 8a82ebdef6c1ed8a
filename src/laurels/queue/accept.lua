-- Appends events to their lanes, each unless its key waits there already.
--
-- KEYS: the lanes' streams, then the claim of each event that has a key, in order.
-- ARGV: how many lanes, how many ms a claim holds; then for each event the place of its lane, its
-- entry, and what its claim says, or '' where it has no key.
-- Answers the place of each event whose key waits, from 1, and after it what the claim says.
--
-- An entry is there before its claim: half-run, this leaves a second entry, never an empty claim.
local waiting = {}
local claims = tonumber(ARGV[1])
for at = 3, #ARGV, 3 do
  local claim = ARGV[at + 2]
  local found = false
  if claim ~= '' then
    claims = claims + 1
    found = redis.call('GET', KEYS[claims])
  end
  if found then
    waiting[#waiting + 1] = at / 3
    waiting[#waiting + 1] = found
  else
    local id = redis.call('XADD', KEYS[tonumber(ARGV[at])], '*', 'e', ARGV[at + 1])
    if claim ~= '' then
      redis.call('SET', KEYS[claims], id .. ' ' .. claim, 'PX', ARGV[2])
    end
  end
end
return waiting
