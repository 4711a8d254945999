-- Parked events of the batches' messages whose bucket is known by now, and which have not expired. Those that were
-- joined already are copied once more, which changes nothing, unless their copy was lost and the topic is being read
-- again.
SELECT o.topic, o.partition, o.offset, o.line, l.bucket
FROM orphans AS o FINAL
INNER JOIN
(
    SELECT account, message_id, min(bucket) AS bucket
    FROM located
    WHERE (account, message_id) IN (SELECT account, message_id FROM join_queue WHERE batch IN (SELECT id FROM batches))
    GROUP BY account, message_id
) AS l ON l.account = o.account AND l.message_id = o.message_id
WHERE (o.account, o.message_id) IN (SELECT account, message_id FROM join_queue WHERE batch IN (SELECT id FROM batches))
    AND (o.topic, o.partition, o.offset, o.line) NOT IN (SELECT topic, partition, offset, line FROM orphan_ends
        WHERE outcome = 'expired')
