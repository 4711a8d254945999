WITH
    transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0)) AS route
SELECT
    r.account, r.channel, r.provider, r.error_code, r.expired, sum(r.failed),
    -- When the youngest cohort settles.
    max(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000)
FROM rollup_failures AS r
WHERE r.cohort >= toDateTime({from:UInt32}, 'UTC') AND r.cohort < toDateTime({to:UInt32}, 'UTC')
    AND (r.account, r.bucket, r.generation) IN
    (
        SELECT account, bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64}
        GROUP BY account, bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
    )
GROUP BY r.account, r.channel, r.provider, r.error_code, r.expired
-- from = 0
-- to = 4294967295
-- generation = 7
-- route_other = ["sms"]
-- code_other = [49]
