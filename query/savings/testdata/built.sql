-- The days of buckets whose sums are those of the visible generations (schema/migrations/00003_money.sql), but days whose cohorts lie outside of the period.
SELECT account, day, max(build)
FROM cascade_days
WHERE account IN {filter_account:Array(String)} AND (account, day, state) IN
(
    SELECT account, toDate(bucket) AS day, groupBitXor(cityHash64(bucket, newest)) AS state
    FROM
    (
        SELECT account, bucket, max(generation) AS newest, argMax(cohort_min_ms, generation) AS min_ms, argMax(cohort_max_ms, generation) AS max_ms
        FROM generations
        WHERE generation <= {generation:UInt64} AND account IN {filter_account:Array(String)}
        GROUP BY account, bucket
    )
    GROUP BY account, day
    HAVING max(max_ms) >= {from:UInt32} * 1000 AND min(min_ms) < {to:UInt32} * 1000
)
GROUP BY account, day
-- from = 1790812800
-- to = 1793491200
-- generation = 7
-- filter_account = ["acme"]
