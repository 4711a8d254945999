-- Hours that this generation found to lack facts, and whether nobody knew of that before. Parameter: generation.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000,
    argMaxIf(state, version, version < {generation:UInt64}) != 'open' OR countIf(version < {generation:UInt64}) = 0
FROM lost_hours
WHERE (account, bucket) IN
    (SELECT account, bucket FROM lost_hours WHERE version = {generation:UInt64} AND state = 'open')
GROUP BY account, bucket
