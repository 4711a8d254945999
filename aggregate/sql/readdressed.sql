-- Takes back what was noted under recipients that a later event has replaced by a greater one. It looks through the
-- hours of the whole table, for only the message is known; such attempts are rare. Parameter: generation. External table:
-- moved (account, bucket, message_id, step, recipient).
INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone)
SELECT DISTINCT account, recipient, bucket, message_id, step, {generation:UInt64}, 1
FROM attempts_by_recipient
WHERE bucket IN (SELECT bucket FROM moved)
    AND (account, bucket, message_id, step) IN (SELECT account, bucket, message_id, step FROM moved)
    AND (account, bucket, message_id, step, recipient) NOT IN (SELECT account, bucket, message_id, step, recipient
        FROM moved)
SETTINGS insert_deduplicate = 0
