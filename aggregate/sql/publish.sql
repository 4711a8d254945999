-- Makes the generation of all its buckets visible at once, also of buckets that came out empty. One block:
-- max_insert_threads and the single partition of generations keep it whole. Parameters: generation, rollups.
-- External table: targets (account, bucket).
INSERT INTO generations
SELECT t.account, t.bucket, {generation:UInt64} AS generation,
    if(r.cells = 0, {{never}}, r.cohort_min_ms), if(r.cells = 0, 0, r.cohort_max_ms),
    if(r.cells = 0, {{never}}, r.due_ms), r.attempts, {rollups:UInt8} AS rollups
FROM targets AS t
LEFT JOIN
(
    SELECT account, bucket, count() AS cells, min(cohort_min_ms) AS cohort_min_ms, max(cohort_max_ms) AS cohort_max_ms,
        min(due_ms) AS due_ms,
        sum(attempted + skipped) AS attempts
    FROM rollup_attempts
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND generation = {generation:UInt64}
    GROUP BY account, bucket
) AS r ON r.account = t.account AND r.bucket = t.bucket
SETTINGS max_insert_threads = 1, max_threads = 1, min_insert_block_size_rows = 100000000,
    min_insert_block_size_bytes = 0, insert_deduplicate = 0,
    join_use_nulls = 0
