-- Says quickly that a commit may be made, in the one case that matters for speed: the row of the shard and that of the node are, word for
-- word, those of the caller, in this life of the store, long after it began. Whatever else there may be is left to `ledger.v1.lua`.
-- KEYS 1 to 3 and ARGV 1 to 5: as there. ARGV 6 and 7: shard, epoch.
local meta = redis.call('HMGET', KEYS[1], 'reign', 'highest', 'incarnation', 'since')
local time, is_fenced = '0', ARGV[1] == ''
if not is_fenced and meta[3] == ARGV[3] then
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  time = string.format('%.0f', now)
  local boot = ARGV[2] .. ' '
  local reign = ARGV[1] .. ' ' .. boot .. ARGV[7]
  local node, row = redis.call('HGET', KEYS[2], ARGV[1]), redis.call('HGET', KEYS[3], ARGV[6])
  is_fenced = node and node:sub(1, #boot) == boot
    and row and (row == reign or row:sub(1, #reign + 1) == reign .. ' ')
    and now - tonumber(meta[4]) > tonumber(ARGV[5])
end
