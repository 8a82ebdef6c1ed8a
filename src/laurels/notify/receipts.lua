-- Puts each receipt into its place until it has expired, whatever lies there.
-- KEYS: places.  ARGV: for each, the receipt and how many milliseconds it is good for.
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[2 * i - 1], 'PX', ARGV[2 * i])
end
return 0
