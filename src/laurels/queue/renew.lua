-- Goes on holding a lane, if it is held by whoever asks. KEYS: the holder. ARGV: who, for how many ms.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
