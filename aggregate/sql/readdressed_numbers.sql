-- The numbers that readdressed.sql takes attempts from. Parameter: generation. External table: moved (account, bucket,
-- message_id, step, recipient).
INSERT INTO numbers_touched
SELECT DISTINCT {generation:UInt64}, account, recipient
FROM attempts_by_recipient
WHERE (startsWith(recipient, '+') OR startsWith(recipient, 'email:')) AND bucket IN (SELECT bucket FROM moved)
    AND (account, bucket, message_id, step) IN (SELECT account, bucket, message_id, step FROM moved)
SETTINGS insert_deduplicate = 0
