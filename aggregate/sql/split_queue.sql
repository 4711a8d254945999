-- The messages have changed at home. Parameter: batch. External table: strays (account, message_id, bucket, home).
INSERT INTO number_queue (batch, account, bucket, message)
SELECT DISTINCT {batch:UUID}, account, home, cityHash64(message_id) FROM strays
SETTINGS insert_deduplicate = 0
