-- Runs first on every connection, for a program that reads up to format ARGV[1] and parts its rooms into ARGV[2] shards; data without
-- either gets these. Puts the life of the server on record, with the time, if it is another one than that on record (`Ledger::open`), but
-- changes nothing for a program that is to refuse the data.
-- KEYS: meta. Answers format, count of shards, life.
local meta = redis.call('HMGET', KEYS[1], 'format', 'shards', 'incarnation')
local format, shards = meta[1] or ARGV[1], meta[2] or ARGV[2]
local life = redis.call('INFO', 'server'):match('run_id:(%x+)')
if tonumber(format) > tonumber(ARGV[1]) or shards ~= ARGV[2] then
  return { format, shards, life }
end
if not meta[1] or not meta[2] then
  redis.call('HSET', KEYS[1], 'format', format, 'shards', shards)
end
if meta[3] ~= life then
  local clock = redis.call('TIME')
  local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
  redis.call('HSET', KEYS[1], 'incarnation', life, 'since', now)
end
return { format, shards, life }
