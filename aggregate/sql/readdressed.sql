-- Takes back what was noted under recipients that a later event has replaced by a greater one. It looks through the whole table, for only the message is
-- known; there are hardly ever such attempts. Parameters: generation, folded. External tables: targets (account, bucket), batches (id).
INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone)
WITH
    changed AS (SELECT account, bucket, message FROM number_queue WHERE batch IN (SELECT id FROM batches) AND (account, bucket) IN (SELECT account, bucket FROM targets)),
    moved AS
    (
        SELECT account, bucket, message_id, step, recipient
        FROM {folded:Identifier}
        WHERE readdressed AND ((account, bucket, cityHash64(message_id)) IN changed OR (account, bucket, toUInt64(0)) IN changed)
    )
SELECT DISTINCT account, recipient, bucket, message_id, step, {generation:UInt64}, 1
FROM attempts_by_recipient
WHERE (account, bucket, message_id, step) IN (SELECT account, bucket, message_id, step FROM moved)
    AND (account, bucket, message_id, step, recipient) NOT IN (SELECT account, bucket, message_id, step, recipient FROM moved)
SETTINGS insert_deduplicate = 0
