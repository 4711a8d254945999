-- What the report's cells depend on, as a fingerprint: as long as it is the same, so are they.
SELECT count(), groupBitXor(sipHash64(account, bucket, newest)), sum(cityHash64(account, bucket, newest))
FROM
(
        SELECT account, bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64}
        GROUP BY account, bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
)
-- from = 0
-- to = 4294967295
-- generation = 7
