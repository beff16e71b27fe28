-- Raises the epoch below which commits are refused above all epochs seen, to at least ARGV[1].
-- KEYS: meta. Answers the new epoch.
local highest = tonumber(redis.call('HGET', KEYS[1], 'highest') or 0)
local epoch = string.format('%.0f', math.max(highest + 1, tonumber(ARGV[1])))
redis.call('HSET', KEYS[1], 'reign', epoch, 'highest', epoch)
return epoch
