-- Takes back what was noted under recipients that a later event has replaced by a greater one. It looks through the
-- hours of the whole table, for only the message is known; such attempts are rare. Parameters: generation, folded,
-- slice, slices. External tables: targets (account, bucket), batches (id).
INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone)
WITH
    changed AS (SELECT account, bucket, message FROM number_queue
        WHERE batch IN (SELECT id FROM batches) AND (account, bucket) IN (SELECT account, bucket FROM targets)
        -- Only the slice's, as in fold.sql.
        AND (message = 0 OR {slices:UInt32} = 1 OR message % {slices:UInt32} = {slice:UInt32})),
    moved AS
    (
        SELECT account, bucket, message_id, step, recipient
        FROM {folded:Identifier}
        WHERE readdressed AND ((account, bucket, cityHash64(message_id)) IN changed
            OR (account, bucket, toUInt64(0)) IN changed)
    )
SELECT DISTINCT account, recipient, bucket, message_id, step, {generation:UInt64}, 1
FROM attempts_by_recipient
WHERE bucket IN (SELECT bucket FROM moved)
    AND (account, bucket, message_id, step) IN (SELECT account, bucket, message_id, step FROM moved)
    AND (account, bucket, message_id, step, recipient) NOT IN (SELECT account, bucket, message_id, step, recipient
        FROM moved)
SETTINGS insert_deduplicate = 0
