-- What was noted by recipient of strays is at home from now on, whoever it was noted under: facts name the greatest
-- recipient alone once they are merged. It looks through the hours of the whole table, for only the message is known;
-- such messages are rare. Parameter: generation. External table: strays (account, message_id, bucket, home).
INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone)
SELECT DISTINCT account, recipient, bucket, message_id, step, {generation:UInt64}, 1
FROM attempts_by_recipient
WHERE bucket IN (SELECT bucket FROM strays)
    AND (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM strays)
SETTINGS insert_deduplicate = 0
