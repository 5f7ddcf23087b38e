-- KEYS[1]: the list of dead letters, the oldest first. ARGV: how the keys of hashes begin, how many may stay, how many
-- to look at. Hashes run out by themselves, and the list follows.

for _ = 1, ARGV[3] do
    local id = redis.call('LINDEX', KEYS[1], 0)
    if not id then
        break
    end
    local key = ARGV[1] .. id
    local excess = redis.call('LLEN', KEYS[1]) > tonumber(ARGV[2])
    if not excess and redis.call('EXISTS', key) == 1 then
        break
    end
    redis.call('LPOP', KEYS[1])
    if redis.call('HGET', key, 'status') == 'failed' then
        redis.call('DEL', key)
    end
end
