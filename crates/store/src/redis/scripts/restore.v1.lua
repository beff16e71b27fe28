-- Writes again what the store lost of a room: `Ledger::restores`, if that is done in a node's name, and then `rule_restore` of
-- `ruling.rs`. The log goes: the snapshot covers all of it, and what it held is of epochs in which nobody commits any more.
-- KEYS from 4: rooms, rooms by shard, head of the room, log of the room.
-- ARGV from 6: shard, epoch, last, the room's name, snapshot. Answers as `commit`, but never 'behind'.
local shard, epoch, last, room, snapshot = unpack(ARGV, 6, 10)
local refused = name ~= '' and (check_boot() or check_reign(shard, tonumber(epoch)))
if refused then
  return refused
end
local head = redis.call('HMGET', KEYS[6], 'epoch', 'last')
local reign, written = meta[4] or '0', head[1] or '0'
local newest = tonumber(reign) > tonumber(written) and reign or written
if tonumber(epoch) < tonumber(newest) then
  return answer('deposed', newest)
end
if tonumber(last) > tonumber(head[2] or 0) then
  redis.call('HSET', KEYS[6], 'epoch', epoch, 'last', last, 'covered', last, 'snapshot', snapshot)
  redis.call('DEL', KEYS[7])
  redis.call('ZADD', KEYS[4], 0, room)
  redis.call('ZADD', KEYS[5], shard, room)
  if tonumber(epoch) > tonumber(meta[5] or 0) then
    redis.call('HSET', KEYS[1], 'highest', epoch)
  end
end
return answer('committed')
