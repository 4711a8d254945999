-- The numbers that split_gone.sql takes attempts from. Parameter: generation. External table: strays (account,
-- message_id, bucket, home).
INSERT INTO numbers_touched
SELECT DISTINCT {generation:UInt64}, account, recipient
FROM attempts_by_recipient
WHERE (startsWith(recipient, '+') OR startsWith(recipient, 'email:')) AND bucket IN (SELECT bucket FROM strays)
    AND (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM strays)
SETTINGS insert_deduplicate = 0
