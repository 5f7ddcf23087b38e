-- KEYS[1]: the list of a queue. ARGV: how the keys of hashes begin, where to begin, how many places to look at. Takes
-- out the ids of jobs that are gone, all at once, and returns where to go on, 0 at the end.

local ids = redis.call('LRANGE', KEYS[1], ARGV[2], ARGV[2] + ARGV[3] - 1)
local gone = 0
for index, id in ipairs(ids) do
    if redis.call('EXISTS', ARGV[1] .. id) == 0 then
        redis.call('LSET', KEYS[1], ARGV[2] + index - 1, '')
        gone = gone + 1
    end
end
if gone > 0 then
    redis.call('LREM', KEYS[1], gone, '')
end
if #ids < tonumber(ARGV[3]) then
    return 0
end
return ARGV[2] + #ids - gone
