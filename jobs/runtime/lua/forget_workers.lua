-- KEYS: sets of the keys of workers' records. Takes out those whose record is gone, and returns how many were taken out
-- of the first set. One of ours that was only frozen puts itself back with its next heartbeat.

local gone, there = 0, {}
for index, set in ipairs(KEYS) do
    for _, worker in ipairs(redis.call('SMEMBERS', set)) do
        if there[worker] == nil then
            there[worker] = redis.call('EXISTS', worker)
        end
        if there[worker] == 0 then
            redis.call('SREM', set, worker)
            if index == 1 then
                gone = gone + 1
            end
        end
    end
end
return gone
