-- Forgets builds made before cutoff whose day has another state by now.
DELETE FROM cascade_days
WHERE build < {cutoff:UInt64} AND (account, day, state) NOT IN
(
    SELECT account, toDate(bucket) AS day, groupBitXor(cityHash64(bucket, generation)) AS state
    FROM (SELECT account, bucket, max(generation) AS generation FROM generations GROUP BY account, bucket)
    GROUP BY account, day
)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
