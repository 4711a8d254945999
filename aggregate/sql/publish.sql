-- Which generation of dialogs counts in the edition's buckets, and with which rollups they were computed. Parameters:
-- generation, rollups. External table: targets (account, bucket).
INSERT INTO generations (account, bucket, generation, rollups)
SELECT account, bucket, {generation:UInt64}, {rollups:UInt8}
FROM targets
SETTINGS max_insert_threads = 1, max_threads = 1, insert_deduplicate = 0
