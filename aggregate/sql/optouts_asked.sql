-- The people about whom events of these batches say that they opted out, and the messages that these events name, with the
-- hour of those whose id does not tell it. External table: batches (id).
WITH
    people AS
    (
        SELECT account, number FROM number_queue
        WHERE batch IN (SELECT id FROM batches) AND event IN ('unsubscribed', 'blocked', 'complained')
    ),
    said AS
    (
        SELECT DISTINCT account, recipient, message_id FROM recipient_events
        WHERE (account, recipient) IN people AND status IN ('unsubscribed', 'blocked', 'complained')
    )
SELECT s.account, s.recipient, s.message_id, toInt64(toUnixTimestamp(l.bucket)) * 1000
FROM said AS s
LEFT JOIN
(
    SELECT account, message_id, min(bucket) AS bucket FROM located
    WHERE (account, message_id) IN (SELECT account, message_id FROM said WHERE message_id != '')
    GROUP BY account, message_id
) AS l ON l.account = s.account AND l.message_id = s.message_id
SETTINGS join_use_nulls = 0
