-- KEYS: the job's hash, the scheduled set. ARGV: the job's id. Returns the status that RQ had it in.

redis.call('ZREM', KEYS[2], ARGV[1])
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'queued' then
    redis.call('DEL', KEYS[1])
end
return status or ''
