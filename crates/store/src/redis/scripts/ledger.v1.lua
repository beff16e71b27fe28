-- Stands in front of every script that looks at the table of owners: the checks of `ownership/ledger.rs`, word for word.
-- KEYS 1 to 3: meta, nodes, table. ARGV 1 to 5: the caller's node, its boot, its life of the store, the highest generation that it
-- knows, and how long the store settles, in ms. An answer is a word, the time in ms, and what the word asks for.
-- Epochs, generations and times are below 2^53 and are printed with '%.0f'; boots may be any u64, so they stay text.
local name, boot, life, settle = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local meta = redis.call('HMGET', KEYS[1], 'incarnation', 'since', 'generation', 'reign', 'highest')
local generation = tonumber(meta[3] or 0)

local function text(number)
  return string.format('%.0f', number)
end

local function answer(word, ...)
  return { word, text(now), ... }
end

-- Node: boot, state, beat, weight, and the whole row.
local function node(of)
  local row = redis.call('HGET', KEYS[2], of)
  if not row then
    return nil
  end
  local its_boot, state, beat, weight = row:match('^(%d+) (%l+) (%d+) (%d+) ')
  return { boot = its_boot, state = state, beat = tonumber(beat), weight = weight, row = row }
end

-- Shard: owner, its boot, epoch; life and held epoch if it was re-asserted.
local function reign_of(shard)
  local row = redis.call('HGET', KEYS[3], shard)
  if not row then
    return nil
  end
  local owner, its_boot, epoch, in_life, held = row:match('^(%S+) (%d+) (%d+) ?(%x*) ?(%d*)$')
  return { owner = owner, boot = its_boot, epoch = tonumber(epoch), life = in_life, held = tonumber(held) }
end

local function is_alive(of, its_boot)
  local row = node(of)
  return row ~= nil and row.boot == its_boot and row.state ~= 'dead'
end

local function is_mine(row)
  return row.owner == name and row.boot == boot
end

local function is_settling()
  return math.max(now - tonumber(meta[2] or 0), 0) < settle
end

local function lost(row)
  return answer('lost', row.owner, row.boot, text(row.epoch))
end

local function check_connection()
  if meta[1] ~= life then
    return answer('store_changed')
  end
end

local function check_boot()
  local refused = check_connection()
  if refused then
    return refused
  end
  local row = node(name)
  if row and (#row.boot > #boot or (#row.boot == #boot and row.boot > boot)) then
    return answer('superseded', row.boot)
  end
end

local function check_settled()
  local refused = check_connection()
  if refused then
    return refused
  end
  if is_settling() then
    return answer('settling')
  end
end

local function check_alive()
  local refused = check_boot()
  if refused then
    return refused
  end
  if not is_alive(name, boot) then
    return answer('not_alive')
  end
end

-- May the caller write in this reign, in a store that has settled or not.
local function check_reign(shard, epoch)
  local row = reign_of(shard)
  if row and row.epoch == epoch and is_mine(row) then
    return nil
  end
  if row and row.epoch >= epoch then
    return lost(row)
  end
  return answer('forgotten')
end

local function fence(shard, epoch)
  return check_settled() or check_boot() or check_reign(shard, epoch)
end

local function fresh(stored, known)
  return math.max(stored + 1, known + 1, now)
end

-- Kept by `keep_generation`, which ends every script that raised it.
local function raise_generation()
  generation = fresh(generation, tonumber(ARGV[4]))
end

local function keep_generation()
  redis.call('HSET', KEYS[1], 'generation', text(generation))
end

local function enthrone(shard, owner, its_boot, known, re_asserted)
  local row = reign_of(shard)
  local epoch = text(fresh(row and row.epoch or 0, known))
  redis.call('HSET', KEYS[3], shard, owner .. ' ' .. its_boot .. ' ' .. epoch .. (re_asserted or ''))
  raise_generation()
  return epoch
end

