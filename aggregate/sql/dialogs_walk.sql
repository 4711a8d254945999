-- All dialogs of the people for whom something has changed in the pass's buckets: rows as facts have them now in these buckets (mine), and
-- as published, with their units, in all others. Parameter: dialog_rows. External table: targets (account, bucket).
WITH
    visible AS
    (
        SELECT account, bucket, max(generation) AS generation
        FROM generations
        WHERE account IN (SELECT account FROM targets)
        GROUP BY account, bucket
    ),
    changed AS
    (
        SELECT DISTINCT account, channel, sender, recipient
        FROM
        (
            SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replied_ms, 1 AS sign
            FROM {dialog_rows:Identifier}
            UNION ALL
            SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replied_ms, -1 AS sign
            FROM dialogs
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND (account, bucket, generation) IN visible
        )
        GROUP BY account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replied_ms
        HAVING sum(sign) != 0
    )
SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replied_ms, conversation, outside, mine
FROM
(
    SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replied_ms, 0::UInt8 AS conversation, 0::UInt8 AS outside,
        true AS mine
    FROM {dialog_rows:Identifier}
    WHERE (account, channel, sender, recipient) IN changed
    UNION ALL
    SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replied_ms, conversation, outside, false AS mine
    FROM dialogs_by_person
    WHERE (account, channel, sender, recipient) IN changed AND (account, bucket, generation) IN visible
        AND (account, bucket) NOT IN (SELECT account, bucket FROM targets)
)
ORDER BY account, channel, sender, recipient
