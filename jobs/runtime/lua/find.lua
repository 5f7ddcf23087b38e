-- KEYS[1]: the list of a queue. ARGV: 'head' for its first places, or how many to pass over from its end, where what is
-- taken meanwhile moves nothing; how many to look at; and ids. Returns where to go on from, 0 when there is no more, and
-- those of the ids that were seen.

local wanted = {}
for argument = 3, #ARGV do
    wanted[ARGV[argument]] = true
end
local is_head = ARGV[1] == 'head'
local ids
if is_head then
    ids = redis.call('LRANGE', KEYS[1], 0, ARGV[2] - 1)
else
    ids = redis.call('LRANGE', KEYS[1], -(ARGV[1] + ARGV[2]), -(ARGV[1] + 1))
end
local answer = { (is_head or #ids < tonumber(ARGV[2])) and 0 or ARGV[1] + ARGV[2] }
for _, id in ipairs(ids) do
    if wanted[id] then
        wanted[id] = nil
        answer[#answer + 1] = id
    end
end
return answer
