-- The days of buckets whose sums are those of the visible generations (schema/migrations/00003_money.sql), but days whose cohorts lie outside of the period.
SELECT account, day, max(build)
FROM cascade_days
WHERE {{if .Accounts}}account IN {filter_account:Array(String)} AND {{end}}(account, day, state) IN
(
    SELECT account, toDate(bucket) AS day, groupBitXor(cityHash64(bucket, newest)) AS state
    FROM
    (
        SELECT account, bucket, max(generation) AS newest, argMax(cohort_min_ms, generation) AS min_ms, argMax(cohort_max_ms, generation) AS max_ms
        FROM generations
        WHERE generation <= {generation:UInt64}
        {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
        GROUP BY account, bucket
    )
    GROUP BY account, day
    HAVING max(max_ms) >= {from:UInt32} * 1000 AND min(min_ms) < {to:UInt32} * 1000
)
GROUP BY account, day
