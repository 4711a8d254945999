-- Touches every bucket whose visible generation lacks rollups of today. at_ms is 0, so that as_of says how little may be relied on until they are
-- computed anew. Parameter: rollups.
INSERT INTO touched (account, bucket, id, at_ms, sign)
SELECT account, bucket, generateUUIDv4(), 0, 1
FROM generations
GROUP BY account, bucket
HAVING argMax(rollups, generation) < {rollups:UInt8}
SETTINGS insert_deduplicate = 0
