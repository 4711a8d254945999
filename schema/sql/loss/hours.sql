-- Hours that lack facts. The first of the counts is that of attempts. Parameter: limit.
SELECT account, bucket, argMax(published, version)[1] AS was, argMax(found, version)[1] AS is
FROM lost_hours
GROUP BY account, bucket
HAVING argMax(state, version) = 'open'
ORDER BY account, bucket
LIMIT {limit:UInt32}
