-- Copies what lies in stray buckets to the home of its message. External table: strays (account, message_id, bucket,
-- home).
INSERT INTO attempts
SELECT a.* REPLACE (s.home AS bucket)
FROM attempts AS a
INNER JOIN strays AS s ON s.account = a.account AND s.bucket = a.bucket AND s.message_id = a.message_id
WHERE (a.account, a.bucket, a.message_id) IN (SELECT account, bucket, message_id FROM strays)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0
