-- Touches every hour that was computed without rollups of today, and the numbers of its account (bucket 0). at_ms is 0, so
-- that as_of says how little may be relied on until they are computed anew. Parameters: rollups, batch.
INSERT INTO touched (account, bucket, id, at_ms, sign)
SELECT DISTINCT account, arrayJoin([bucket, toDateTime(0, 'UTC')]), {batch:UUID}, 0, 1
FROM generations
GROUP BY account, bucket
HAVING argMax(rollups, generation) < {rollups:UInt8}
SETTINGS insert_deduplicate = 0
