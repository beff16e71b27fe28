-- `Ledger::re_assert`. ARGV from 6: shard, the epoch in which the caller held it. Answers {'done', time, epoch}.
local refused = check_alive()
if refused then
  return refused
end
local shard, held = ARGV[6], tonumber(ARGV[7])

-- Does the stored reign give way to one in which the caller held the shard.
local function yields(row, earlier)
  if is_mine(row) then
    return row.epoch <= held
  end
  if is_settling() then
    return (earlier or row.epoch) < held
  end
  return row.epoch < held and not is_alive(row.owner, row.boot)
end

local row = reign_of(shard)
if row then
  local earlier = row.life == life and row.held or nil
  if is_mine(row) and earlier and (earlier == held or row.epoch == held) then
    return answer('done', text(row.epoch))
  end
  if not yields(row, earlier) then
    return lost(row)
  end
end
local epoch = enthrone(shard, name, boot, held, ' ' .. life .. ' ' .. text(held))
keep_generation()
return answer('done', epoch)
