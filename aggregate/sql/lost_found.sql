-- How many hours this generation found to lack facts that nobody knew of before, and the earliest of them. Parameters:
-- generation.
SELECT count() AS hours, min(bucket) AS earliest
FROM
(
    SELECT account, bucket
    FROM lost_hours
    WHERE (account, bucket) IN (SELECT account, bucket FROM lost_hours
        WHERE version = {generation:UInt64} AND state = 'open')
    GROUP BY account, bucket
    HAVING argMaxIf(state, version, version < {generation:UInt64}) != 'open'
        OR countIf(version < {generation:UInt64}) = 0
)
