-- What was noted by recipient of strays is at home from now on. Parameter: generation. External table: strays (account,
-- message_id, bucket, home).
INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone)
SELECT DISTINCT account, substring(recipient_country, 1, position(recipient_country, '\0') - 1) AS recipient, bucket,
    message_id, step, {generation:UInt64}, 1
FROM attempts
WHERE (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM strays)
SETTINGS insert_deduplicate = 0
