-- KEYS: the list of dead letters, the job's hash. ARGV: the job's id.

redis.call('LREM', KEYS[1], 0, ARGV[1])
if redis.call('HGET', KEYS[2], 'status') == 'failed' then
    redis.call('DEL', KEYS[2])
end
