-- KEYS: the set of queues, then for each job its hash and its list. ARGV: the scheduled set's key, 1 to push even what
-- seems to be queued, how the keys of bells begin, their length, the number of hash arguments that all jobs share and
-- those, then for each job its id and the values of the fields that are its own. Returns how many went out.

local pushed = 0
local rings = {}
local shared = tonumber(ARGV[5])
local argument = 6 + shared
for key = 2, #KEYS, 2 do
    local id, data, origin, description, timeout = unpack(ARGV, argument, argument + 4)
    local queued = redis.call('HGET', KEYS[key], 'status') == 'queued'
    redis.call('ZREM', ARGV[1], id)
    if ARGV[2] == '1' or not queued then
        redis.call('DEL', KEYS[key])
        redis.call('HSET', KEYS[key], unpack(ARGV, 6, 5 + shared))
        redis.call('HSET', KEYS[key], 'data', data, 'origin', origin, 'description', description, 'timeout', timeout)
        redis.call('SADD', KEYS[1], KEYS[key + 1])
        redis.call('RPUSH', KEYS[key + 1], id)
        pushed = pushed + 1
        rings[origin] = (rings[origin] or 0) + 1
    end
    argument = argument + 5
end
for queue, times in pairs(rings) do
    for _ = 1, math.min(times, tonumber(ARGV[4])) do
        redis.call('RPUSH', ARGV[3] .. queue, '1')
    end
    redis.call('LTRIM', ARGV[3] .. queue, -ARGV[4], -1)
end
return pushed
