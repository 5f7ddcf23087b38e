-- KEYS[1]: the list of a queue. ARGV: how many places to pass over, how many to look at, both from its end, where what
-- is taken meanwhile moves nothing, and ids. Returns where to go on, 0 at the head, and those of the ids that were seen.

local wanted = {}
for argument = 3, #ARGV do
    wanted[ARGV[argument]] = true
end
local ids = redis.call('LRANGE', KEYS[1], -(ARGV[1] + ARGV[2]), -(ARGV[1] + 1))
local answer = { #ids < tonumber(ARGV[2]) and 0 or ARGV[1] + ARGV[2] }
for _, id in ipairs(ids) do
    if wanted[id] then
        wanted[id] = nil
        answer[#answer + 1] = id
    end
end
return answer
