-- `Ledger::hand_off`. ARGV from 6: shard, epoch, the new owner, its boot. Answers {'done', time, epoch}.
local shard, held, to, its_boot = ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local refused = fence(shard, held)
if refused then
  return refused
end
if not is_alive(to, its_boot) then
  return answer('not_alive')
end
local epoch = enthrone(shard, to, its_boot, held)
keep_generation()
return answer('done', epoch)
