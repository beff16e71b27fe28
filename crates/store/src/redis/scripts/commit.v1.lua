-- Commits one record of one room, by the rule of `ruling.rs`.
-- KEYS: meta, index of rooms, head of the room, log of the room.
-- ARGV: epoch, expect, last, entry, name in the index, records kept behind a snapshot, snapshot (may be missing).
-- Answers {'committed'}, {'deposed', newest epoch} or {'behind', stored seq}.
-- Numbers are compared as numbers and stored as the text that came: Lua would round what it prints.
local epoch, expect, last, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local meta = redis.call('HMGET', KEYS[1], 'reign', 'highest')
local head = redis.call('HMGET', KEYS[3], 'epoch', 'last')
local reign, written = meta[1] or '0', head[1] or '0'
local newest = tonumber(reign) > tonumber(written) and reign or written
if tonumber(epoch) < tonumber(newest) then
  return { 'deposed', newest }
end
local stored = head[2] or '0'
if tonumber(expect) == tonumber(stored) and tonumber(last) > tonumber(expect) then
  redis.call('RPUSH', KEYS[4], entry)
  redis.call('HSET', KEYS[3], 'epoch', epoch, 'last', last)
  if ARGV[7] then
    redis.call('HSET', KEYS[3], 'covered', last, 'snapshot', ARGV[7])
    redis.call('LTRIM', KEYS[4], -tonumber(ARGV[6]), -1)
  end
  if not head[2] then
    redis.call('ZADD', KEYS[2], 0, ARGV[5])
  end
  if tonumber(epoch) > tonumber(meta[2] or 0) then
    redis.call('HSET', KEYS[1], 'highest', epoch)
  end
  return { 'committed' }
end
-- Sent again: the entry holds epoch, expect and last, so it is there whole or not at all.
if tonumber(last) <= tonumber(stored) and redis.call('LPOS', KEYS[4], entry, 'RANK', -1) then
  return { 'committed' }
end
return { 'behind', stored }
