-- Gives a lane back, if it is held by whoever asks. KEYS: the holder. ARGV: who.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
