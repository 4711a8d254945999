-- The messages that events of these batches name, and where those lie whose id does not tell it. External table:
-- batches (id).
WITH
    people AS
    (
        SELECT account, number FROM number_queue
        WHERE batch IN (SELECT id FROM batches) AND event IN ('unsubscribed', 'blocked', 'complained')
    ),
    named AS
    (
        SELECT DISTINCT account, message_id FROM recipient_events
        WHERE (account, recipient) IN people AND status IN ('unsubscribed', 'blocked', 'complained')
            AND message_id != ''
    )
SELECT n.account, n.message_id, ifNull(l.bucket, toDateTime(0, 'UTC')) AS bucket
FROM named AS n
LEFT JOIN (SELECT account, message_id, min(bucket) AS bucket FROM located WHERE (account, message_id) IN named
    GROUP BY account, message_id) AS l
    ON l.account = n.account AND l.message_id = n.message_id
SETTINGS join_use_nulls = 0
