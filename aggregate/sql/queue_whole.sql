-- A touch whose batch says no message stands for all messages of its bucket: ingest of an older program knows no
-- batches, and a queue that was emptied too early must not cost evidence. External table: touches (account, bucket,
-- id).
INSERT INTO number_queue (batch, account, bucket, message)
SELECT DISTINCT id, account, bucket, 0
FROM touches
WHERE (id, account, bucket) NOT IN (SELECT batch, account, bucket FROM number_queue
    WHERE batch IN (SELECT id FROM touches))
SETTINGS insert_deduplicate = 0
