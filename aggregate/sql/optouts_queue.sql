-- The messages that events name have changed: what is attributed to them is decided when they are folded. Parameter:
-- batch.
-- External table: messages (account, bucket, message_id).
INSERT INTO number_queue (batch, account, bucket, message)
SELECT {batch:UUID}, account, bucket, cityHash64(message_id) FROM messages
SETTINGS insert_deduplicate = 0
