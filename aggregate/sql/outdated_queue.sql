-- Asks for all numbers of the accounts whose hours outdated.sql touches. Parameters: rollups, batch.
INSERT INTO number_queue (batch, account, bucket, message)
SELECT DISTINCT {batch:UUID}, account, toDateTime(0, 'UTC'), 0
FROM (SELECT account FROM generations GROUP BY account, bucket HAVING argMax(rollups, generation) < {rollups:UInt8})
SETTINGS insert_deduplicate = 0
