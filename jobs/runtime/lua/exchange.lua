-- One round trip between a worker and the queues: what it has finished goes, what it hands back returns to the head of
-- its queue, what it takes next is marked as started, all in RQ's own data model and all or nothing.
--
-- ARGV[1]: a JSON object
--   worker               the worker's name
--   finished, returned   lists of {job id, execution id, queue name}
--   recover              true to hand back whatever else this worker holds: what an answer that got lost had given it
--   want                 how many jobs to take at most
--   queues               where to look for them, in this order
--   fair                 true to look first where nobody has taken anything for `patience` seconds
--   execution            how the execution ids of this round begin
--   stamp, now, ttl      the time as RQ writes it, in seconds, and for how long an execution lives without a heartbeat
--   seconds, failed      what to add to the worker's working time and to its count of failed jobs
-- Returns for each job taken: its id, its execution id, its queue, what it runs, and its data.

local order = cjson.decode(ARGV[1])
local worker = 'rq:worker:' .. order.worker
local held = worker .. ':executions'
local BELLS, BELL_LENGTH = 'almanac:bell:', 64
local SERVED = 'almanac:served'

local function queue_key(name)
    return 'rq:queue:' .. name
end

-- Forget an execution; tell whether the job is still this worker's to delete or to hand back. It is not when the
-- execution was taken away, or when the job was pushed anew or buried in the meantime.
local function let_go(job, execution, queue)
    local member = job .. ':' .. execution
    redis.call('ZREM', 'rq:wip:' .. queue, member)
    redis.call('ZREM', 'rq:executions:' .. job, execution)
    redis.call('DEL', 'rq:execution:' .. member)
    if redis.call('SREM', held, member) == 0 then
        return false
    end
    local state = redis.call('HMGET', 'rq:job:' .. job, 'status', 'worker_name')
    return state[1] == 'started' and state[2] == order.worker
end

local function hand_back(job, execution, queue)
    if let_go(job, execution, queue) then
        redis.call('HSET', 'rq:job:' .. job, 'status', 'queued', 'worker_name', '', 'started_at', '')
        redis.call('LPUSH', queue_key(queue), job)
        redis.call('RPUSH', BELLS .. queue, '1')
        redis.call('LTRIM', BELLS .. queue, -BELL_LENGTH, -1)
    end
end

-- Hand back what this worker holds without knowing.
local function recover()
    for _, member in ipairs(redis.call('SMEMBERS', held)) do
        local job, execution = string.match(member, '^(.*):([^:]*)$')
        local queue = redis.call('HGET', 'rq:job:' .. job, 'origin')
        if queue then
            hand_back(job, execution, queue)
        else
            redis.call('SREM', held, member)
        end
    end
end

local taken = {}

local function start(job, queue)
    local key = 'rq:job:' .. job
    local found = redis.call('HMGET', key, 'description', 'data')
    if not found[2] then
        return -- deleted while it waited
    end
    local execution = order.execution .. string.format('%04x', #taken)
    local member = job .. ':' .. execution
    redis.call('HSET', key, 'status', 'started', 'worker_name', order.worker,
        'started_at', order.stamp, 'last_heartbeat', order.stamp)
    redis.call('HSET', 'rq:execution:' .. member, 'id', execution, 'job_id', job,
        'created_at', order.now, 'last_heartbeat', order.now, 'worker_name', order.worker)
    redis.call('EXPIRE', 'rq:execution:' .. member, order.ttl)
    redis.call('ZADD', 'rq:executions:' .. job, order.now + order.ttl, execution)
    redis.call('EXPIRE', 'rq:executions:' .. job, order.ttl)
    redis.call('ZADD', 'rq:wip:' .. queue, order.now + order.ttl, member)
    redis.call('SADD', held, member)
    taken[#taken + 1] = { job, execution, queue, found[1] or '', found[2] }
end

local function take(queue, count)
    local jobs = redis.call('LPOP', queue_key(queue), count)
    if not jobs then
        return
    end
    redis.call('HSET', SERVED, queue, order.now)
    for _, job in ipairs(jobs) do
        start(job, queue)
    end
end

local function take_from_the_neglected()
    local served = redis.call('HMGET', SERVED, unpack(order.queues))
    for index, queue in ipairs(order.queues) do
        local since = order.now - (tonumber(served[index] or '0') or 0)
        if #taken < order.want and since > order.patience then
            take(queue, 1)
        end
    end
end

local function settle_accounts()
    if redis.call('EXISTS', worker) == 0 then
        return
    end
    redis.call('HSET', worker, 'state', #taken > 0 and 'busy' or 'idle')
    local done = #order.finished - order.failed
    if done > 0 then
        redis.call('HINCRBY', worker, 'successful_job_count', done)
        redis.call('HINCRBYFLOAT', worker, 'total_working_time', order.seconds)
    end
    if order.failed > 0 then
        redis.call('HINCRBY', worker, 'failed_job_count', order.failed)
    end
end

for _, item in ipairs(order.finished) do
    if let_go(item[1], item[2], item[3]) then
        redis.call('DEL', 'rq:job:' .. item[1])
    end
end
for index = #order.returned, 1, -1 do
    hand_back(unpack(order.returned[index]))
end
if order.recover then
    recover()
end
if order.want > 0 and redis.call('EXISTS', 'rq:suspended') == 0 then
    if order.fair then
        take_from_the_neglected()
    end
    for _, queue in ipairs(order.queues) do
        if #taken >= order.want then
            break
        end
        take(queue, order.want - #taken)
    end
    if #taken > 0 then
        redis.call('EXPIRE', held, 24 * 60 * 60)
    end
end
settle_accounts()
return taken
