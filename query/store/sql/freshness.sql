-- The aggregator's last word. An aggregate over nothing is one row of zeros, so count tells whether the aggregator has
-- spoken.
SELECT count() > 0 AS known, argMax(as_of_ms, at) AS as_of, argMax(pending_buckets, at) AS pending,
    toInt64(if(known, dateDiff('millisecond', max(at), now64(3)), 0)) AS age_ms
FROM freshness
