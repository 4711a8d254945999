-- Asks for all messages of the buckets that outdated.sql touches, and for all numbers of their accounts. Parameters:
-- rollups, batch.
INSERT INTO number_queue (batch, account, bucket, message)
SELECT {batch:UUID}, account, arrayJoin([bucket, toDateTime(0, 'UTC')]), 0
FROM generations
GROUP BY account, bucket
HAVING argMax(rollups, generation) < {rollups:UInt8}
SETTINGS insert_deduplicate = 0
