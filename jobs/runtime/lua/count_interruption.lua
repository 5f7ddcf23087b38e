-- KEYS: the job's hash. Returns how often the job was interrupted, this time included; 0 when the job is gone.

if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
return redis.call('HINCRBY', KEYS[1], 'interruptions', 1)
