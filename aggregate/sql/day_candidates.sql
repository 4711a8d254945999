-- Days of buckets that have been quiet since the generation id quiet and have no build of their present state, the
-- newest first.
SELECT account, day, state
FROM
(
    SELECT account, toDate(bucket) AS day, groupBitXor(cityHash64(bucket, generation)) AS state,
        max(generation) AS newest
    FROM (SELECT account, bucket, max(generation) AS generation FROM generations GROUP BY account, bucket)
    GROUP BY account, day
    HAVING newest < {quiet:UInt64}
)
WHERE (account, day, state) NOT IN (SELECT account, day, state FROM cascade_days)
ORDER BY day DESC, account
LIMIT {limit:UInt32}
