-- Lets reports use a build. Nothing was published since its candidates were read, for the aggregator that publishes is
-- the one that builds; a day whose state changed all the same is left out. External table: days (account, day, state).
INSERT INTO cascade_days
SELECT account, day, state, {build:UInt64}
FROM
(
    SELECT account, toDate(bucket) AS day, groupBitXor(cityHash64(bucket, generation)) AS state
    FROM
    (
        SELECT account, bucket, max(generation) AS generation
        FROM generations
        WHERE (account, toDate(bucket)) IN (SELECT account, day FROM days)
        GROUP BY account, bucket
    )
    GROUP BY account, day
)
WHERE (account, day, state) IN (SELECT account, day, state FROM days)
SETTINGS insert_deduplicate = 0
