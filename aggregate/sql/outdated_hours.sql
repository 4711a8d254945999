-- Makes hours cold that outdated.sql touches: all of their messages are written anew. Parameters: rollups, generation.
INSERT INTO cold_hours
SELECT account, bucket, {generation:UInt64}, 1
FROM generations
GROUP BY account, bucket
HAVING argMax(rollups, generation) < {rollups:UInt8}
SETTINGS insert_deduplicate = 0
