-- What the report's cells depend on, as a fingerprint: as long as it is the same, so are they.
SELECT count(), groupBitXor(sipHash64(bucket, newest)), sum(cityHash64(bucket, newest))
FROM
(
        SELECT bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64} AND account IN {filter_account:Array(String)}
        GROUP BY bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
)
-- from = 1790812800
-- to = 1793491200
-- generation = 7
-- filter_account = ["acme"]
