-- `Ledger::renew`. ARGV from 6: address, version, load, weight, draining as 0 or 1, the cached generation or nothing.
-- Answers {'done', time, generation, nodes and their rows, shards and their rows unless the caller has them}.
local refused = check_boot()
if refused then
  return refused
end
local address, version, load, weight, draining, cached = unpack(ARGV, 6, 11)
local state = draining == '1' and 'draining' or 'up'
local before = node(name)
local row = { boot, state, text(now), weight, version, load, draining, address }
redis.call('HSET', KEYS[2], name, table.concat(row, ' '))
if not (before and before.boot == boot and before.state == state and before.weight == weight) then
  raise_generation()
  keep_generation()
end
local shards = cached ~= text(generation) and redis.call('HGETALL', KEYS[3])
return answer('done', text(generation), redis.call('HGETALL', KEYS[2]), shards)
