-- The numbers that split_gone.sql takes attempts from. Parameter: generation. External table: strays (account,
-- message_id, bucket, home).
INSERT INTO numbers_touched
SELECT DISTINCT {generation:UInt64}, account, substring(recipient_country, 1, position(recipient_country, '\0')
    - 1) AS recipient
FROM attempts
WHERE (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM strays)
    AND (startsWith(recipient_country, '+') OR startsWith(recipient_country, 'email:'))
SETTINGS insert_deduplicate = 0
