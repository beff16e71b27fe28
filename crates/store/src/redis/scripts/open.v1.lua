-- Opens the data for a program that reads up to format ARGV[1]; data without a format gets this one.
-- KEYS: meta. Answers the format found.
local format = redis.call('HGET', KEYS[1], 'format')
if not format then
  format = ARGV[1]
  redis.call('HSET', KEYS[1], 'format', format)
end
return format
