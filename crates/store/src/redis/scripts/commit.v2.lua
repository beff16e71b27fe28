-- Commits one record of one room by the rule of `ruling.rs`. In front stands the fence, which leaves `meta` and `time`.
-- KEYS from 4: rooms, rooms by shard, head of the room, log of the room.
-- ARGV from 6: shard, epoch, expect, last, entry, the room's name, records kept behind a snapshot, snapshot (may be missing).
-- Answers {'committed', time}, {'deposed', time, newest epoch}, {'behind', time, stored seq}, or a refusal of the fence.
-- Numbers are compared as numbers and stored as the text that came: Lua would round what it prints.
local epoch, expect, last, entry, room = unpack(ARGV, 7, 11)
local head = redis.call('HMGET', KEYS[6], 'epoch', 'last')
local reign, written = meta[1] or '0', head[1] or '0'
local newest = tonumber(reign) > tonumber(written) and reign or written
if tonumber(epoch) < tonumber(newest) then
  return { 'deposed', time, newest }
end
local stored = head[2] or '0'
if tonumber(expect) == tonumber(stored) and tonumber(last) > tonumber(expect) then
  redis.call('RPUSH', KEYS[7], entry)
  redis.call('HSET', KEYS[6], 'epoch', epoch, 'last', last)
  if ARGV[13] then
    redis.call('HSET', KEYS[6], 'covered', last, 'snapshot', ARGV[13])
    redis.call('LTRIM', KEYS[7], -tonumber(ARGV[12]), -1)
  end
  if not head[2] then
    redis.call('ZADD', KEYS[4], 0, room)
    redis.call('ZADD', KEYS[5], ARGV[6], room)
  end
  if tonumber(epoch) > tonumber(meta[2] or 0) then
    redis.call('HSET', KEYS[1], 'highest', epoch)
  end
  return { 'committed', time }
end
-- Sent again: the entry holds epoch, expect and last, so it is there whole or not at all.
if tonumber(last) <= tonumber(stored) and redis.call('LPOS', KEYS[7], entry, 'RANK', -1) then
  return { 'committed', time }
end
return { 'behind', time, stored }
