-- `Ledger::claim`. ARGV from 6: shard, the highest epoch of it that the caller knows. Answers {'done', time, epoch}.
local refused = check_settled() or check_alive()
if refused then
  return refused
end
local row = reign_of(ARGV[6])
if row and not is_mine(row) and is_alive(row.owner, row.boot) then
  return lost(row)
end
local epoch = enthrone(ARGV[6], name, boot, tonumber(ARGV[7]))
keep_generation()
return answer('done', epoch)
