"""Rows of runs as an installation has them after a busy while: finished for the most part, some waiting, a few dead."""

from __future__ import annotations

# One a second up to now, with ids in their order. :rows is how many.
FILL = """
    INSERT INTO job_run (id, name, queue, lane, arguments, state, run_at, attempt, lease_until, created_at, started_at,
                         finished_at)
    SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8' || substr(md5(i::text), 4, 15))::uuid,
           CASE WHEN i % 997 = 0 THEN 'rare.job' ELSE 'usual.job_' || i % 20 END,
           (ARRAY['bookings', 'email', 'notifications', 'maintenance'])[1 + i % 4], 'default',
           jsonb_build_object('number', 'number ' || i), state, at, 1, CASE WHEN state = 'running' THEN now() END,
           at, at,
           CASE WHEN state IN ('succeeded', 'dead', 'cancelled') THEN at + interval '1 second' END
    FROM (SELECT i, ms, to_timestamp(ms / 1000.0) + CASE WHEN i % 402 = 0 THEN interval '9 days' ELSE '0' END AS at,
                 CASE WHEN i % 1009 = 0 THEN 'dead' WHEN i % 201 = 0 THEN 'waiting' WHEN i % 5003 = 0 THEN 'running'
                      WHEN i % 53 = 0 THEN 'cancelled' ELSE 'succeeded' END AS state
          FROM (SELECT i, (extract(epoch FROM now()) * 1000)::bigint - (:rows - i) * 1000 AS ms
                FROM generate_series(1, :rows) AS i) AS numbered) AS made
"""
