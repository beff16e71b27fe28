-- `Ledger::declare_dead`. ARGV from 6: the dead, its boot, the generation decided on, the limit in ms; then shard, heir and its boot
-- for each shard. Answers {'done', time, generation}.
local refused = check_settled() or check_alive()
if refused then
  return refused
end
local dead, its_boot, decided_on, limit = ARGV[6], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
if decided_on ~= generation then
  return answer('outdated')
end
local row = node(dead)
if not row or row.boot ~= its_boot or row.state == 'dead' then
  return answer('gone')
end
if math.max(now - row.beat, 0) < limit then
  return answer('alive')
end
redis.call('HSET', KEYS[2], dead, (row.row:gsub('^(%d+) %l+', '%1 dead')))
raise_generation()
for at = 10, #ARGV, 3 do
  local shard, heir, heirs_boot = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local owned = reign_of(shard)
  if owned and owned.owner == dead and owned.boot == its_boot and is_alive(heir, heirs_boot) then
    enthrone(shard, heir, heirs_boot, owned.epoch)
  end
end
keep_generation()
return answer('done', text(generation))
