-- Copies the replies of messages in stray buckets to the home of their message. External table: strays (account,
-- message_id, bucket, home).
INSERT INTO replies
SELECT r.account, s.home, r.message_id, r.step, r.replied_ms
FROM replies AS r
INNER JOIN strays AS s ON s.account = r.account AND s.bucket = r.bucket AND s.message_id = r.message_id
WHERE (r.account, r.bucket, r.message_id) IN (SELECT account, bucket, message_id FROM strays)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0
