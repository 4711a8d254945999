-- Queues the messages whose facts hold copies of parked events, or of what lay in another bucket, to be joined once
-- more. Parameter: batch.
INSERT INTO join_queue (batch, account, message_id)
SELECT DISTINCT {batch:UUID}, account, message_id
FROM
(
    SELECT account, message_id FROM orphans WHERE (topic, partition, offset, line) IN (SELECT topic, partition, offset,
        line FROM orphan_ends WHERE outcome = 'joined')
    UNION ALL
    SELECT account, message_id FROM splits
)
SETTINGS insert_deduplicate = 0
