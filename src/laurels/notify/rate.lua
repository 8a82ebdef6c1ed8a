-- Lets through what there is room for, each key on its own: a sliding log of accepted instants.
-- KEYS: logs, newest instant first, in microseconds.  ARGV: the limit, the window in milliseconds.
-- Returns for each key 0, or how many milliseconds to wait. What is refused is not recorded.
local limit, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local waits = {}
for i, key in ipairs(KEYS) do
  local now, wait, count = clock, 0, redis.call('LLEN', key)
  if count > 0 then
    -- A clock set back must not make the log unsorted.
    now = math.max(now, tonumber(redis.call('LINDEX', key, 0)))
  end
  if count >= limit then
    -- From the end, which is near: a log is longer than its limit only after the limit was lowered.
    wait = math.max(0, redis.call('LINDEX', key, limit - 1 - count) + window_ms * 1000 - now)
  end
  if wait == 0 then
    redis.call('LPUSH', key, string.format('%.0f', now))
    if count >= limit then
      redis.call('LTRIM', key, 0, limit - 1)
    end
    redis.call('PEXPIRE', key, window_ms + 1)
  end
  waits[i] = math.ceil(wait / 1000)
end
return waits
