-- All dialogs of the people for whom something has changed in the pass's buckets: rows as facts have them now in these
-- buckets (mine), and as published, with their units, in all others; and what these people wrote that answers none of
-- ours (inbound). Something has changed, too, for people who wrote such messages. Parameter: dialog_rows. External
-- tables: targets (account, bucket), batches (id).
WITH
    wrote AS
    (
        SELECT account, number FROM number_queue WHERE batch IN (SELECT id FROM batches) AND event = 'inbound'
    ),
    visible AS
    (
        SELECT account, bucket, max(generation) AS generation
        FROM generations
        WHERE account IN (SELECT account FROM targets) OR account IN (SELECT account FROM wrote)
        GROUP BY account, bucket
    ),
    changed AS
    (
        SELECT DISTINCT account, channel, sender, recipient
        FROM
        (
            SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replies_ms, 1 AS sign
            FROM {dialog_rows:Identifier}
            UNION ALL
            SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replies_ms, -1 AS sign
            FROM dialogs
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
                AND (account, bucket, generation) IN visible
        )
        GROUP BY account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replies_ms
        HAVING sum(sign) != 0
        UNION DISTINCT
        SELECT account, channel, sender, recipient FROM recipient_events
        WHERE (account, recipient) IN wrote AND status = 'inbound'
    )
SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replies_ms, conversation, outside,
    mine, inbound
FROM
(
    SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replies_ms,
        0::UInt8 AS conversation, 0::UInt8 AS outside,
        true AS mine, false AS inbound
    FROM {dialog_rows:Identifier}
    WHERE (account, channel, sender, recipient) IN changed
    UNION ALL
    SELECT account, channel, sender, recipient, bucket, message_id, step, delivered_ms, replies_ms, conversation,
        outside, false AS mine, false AS inbound
    FROM dialogs_by_person
    WHERE (account, channel, sender, recipient) IN changed AND (account, bucket, generation) IN visible
        AND (account, bucket) NOT IN (SELECT account, bucket FROM targets)
    UNION ALL
    SELECT account, channel, sender, recipient, toDateTime(0, 'UTC'), '', 0, {{never}},
        arraySort(groupUniqArray(occurred_ms)), 0, 0, false AS mine, true AS inbound
    FROM recipient_events
    WHERE (account, recipient) IN (SELECT account, recipient FROM changed) AND status = 'inbound'
        AND (account, channel, sender, recipient) IN changed
    GROUP BY account, channel, sender, recipient
)
ORDER BY account, channel, sender, recipient
