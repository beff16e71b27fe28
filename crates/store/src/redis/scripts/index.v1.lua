-- Adds rooms to the index by shard, unless they were removed meanwhile.
-- KEYS: rooms, rooms by shard. ARGV: shard and name of each room.
for at = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[at + 1]) then
    redis.call('ZADD', KEYS[2], ARGV[at], ARGV[at + 1])
  end
end
return redis.status_reply('OK')
