-- Sums the cells of whole days under a build id. External table: days (account, day, state).
INSERT INTO rollup_cascade_days
SELECT account, toDate(bucket) AS day, {build:UInt64}, toDate(cohort) AS cohort_day, campaign, template, shape,
    reported_currency, sum(messages), sum(reported_micros),
    max(cohort_max_ms)
FROM rollup_cascades
WHERE (account, bucket, generation) IN
(
    SELECT account, bucket, max(generation)
    FROM generations
    WHERE (account, toDate(bucket)) IN (SELECT account, day FROM days)
    GROUP BY account, bucket
)
GROUP BY account, day, cohort_day, campaign, template, shape, reported_currency
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1
