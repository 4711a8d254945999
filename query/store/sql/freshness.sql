-- An aggregate over nothing is one row of zeros, so count tells whether the aggregator has spoken.
SELECT count() > 0, argMax(as_of_ms, at), argMax(pending_buckets, at), toInt64(if(count() > 0, dateDiff('millisecond', max(at), now64(3)), 0))
FROM freshness
