-- KEYS[1]: what RQ lists as failed, those first that it is to forget first. ARGV: how the keys of hashes and of results
-- begin, the time, how many may stay, how many to look at. Returns how many went. RQ has its own workers do this.

local over = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[3])
local excess = redis.call('ZCARD', KEYS[1]) - ARGV[4]
local count = math.min(math.max(over, excess), tonumber(ARGV[5]))
if count <= 0 then
    return 0
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, count - 1)) do
    if redis.call('HGET', ARGV[1] .. id, 'status') == 'failed' then
        redis.call('DEL', ARGV[1] .. id, ARGV[2] .. id)
    end
end
return redis.call('ZREMRANGEBYRANK', KEYS[1], 0, count - 1)
