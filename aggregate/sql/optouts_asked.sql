-- The people about whom events of these batches say that they opted out, and the messages that these events name, with the
-- hour of those whose id does not tell it, and when they said it first and last. External table: batches (id).
WITH
    people AS
    (
        SELECT account, number FROM number_queue
        WHERE batch IN (SELECT id FROM batches) AND event IN ('unsubscribed', 'blocked', 'complained')
    ),
    said AS
    (
        SELECT account, recipient, arrayJoin(groupUniqArray(message_id)) AS named, min(occurred_ms) AS first,
            max(occurred_ms) AS last
        FROM recipient_events
        WHERE (account, recipient) IN people AND status IN ('unsubscribed', 'blocked', 'complained')
        GROUP BY account, recipient
    )
SELECT s.account, s.recipient, s.named, toInt64(toUnixTimestamp(l.bucket)) * 1000, s.first, s.last
FROM said AS s
LEFT JOIN
(
    SELECT account, message_id, min(bucket) AS bucket FROM located
    WHERE (account, message_id) IN (SELECT account, named FROM said WHERE named != '')
    GROUP BY account, message_id
) AS l ON l.account = s.account AND l.message_id = s.named
SETTINGS join_use_nulls = 0
