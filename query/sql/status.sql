-- What became of parked events, of messages that disagree, and of touched buckets. A parked event is its place in the log: read again, none is
-- added. Places that the ledger does not reach yet are left out, because they are still in flight there. One pass over both tables gives
-- each place its last word, so that an event which is joined meanwhile is counted once.
SELECT
    sum(n * (outcome = 0)) AS parked, sum(n * (outcome = 1)) AS joined, sum(n * (outcome = 2)) AS expired,
    (SELECT uniqExact(account, message_id) FROM split_messages) AS split_messages,
    (SELECT uniqExact(account, message_id, step) FROM shared_attempts) AS shared_messages,
    -- Buckets whose figures are still to come: touched themselves, or with messages that an open batch of changes names (its touch is of
    -- schema.ChangesMS). Asked now, for the aggregator speaks once a second.
    (
        SELECT uniqExact(account, bucket)
        FROM
        (
            SELECT account, bucket FROM touched GROUP BY account, bucket, id HAVING sum(sign) > 0 AND NOT (account = '' AND toUnixTimestamp(bucket) = 3600)
            UNION ALL
            -- Of a backlog it is enough to know that there is much: all of it may be millions of rows, for each question.
            SELECT account, bucket FROM changes
            WHERE batch IN (SELECT id FROM touched WHERE account = '' AND bucket = toDateTime(3600, 'UTC') GROUP BY account, bucket, id HAVING sum(sign) > 0)
            LIMIT 5000
        )
    ) AS pending_buckets
FROM
(
    SELECT outcome, count() AS n
    FROM
    (
        SELECT max(outcome) AS outcome
        FROM
        (
            SELECT partition, offset, line, 0 AS outcome FROM orphans WHERE topic = {topic:String}
            UNION ALL
            SELECT partition, offset, line, toInt8(outcome) AS outcome FROM orphan_ends WHERE topic = {topic:String}
        )
        WHERE offset < transform(partition, {partitions:Array(Int32)}, {offsets:Array(Int64)}, toInt64(0))
        GROUP BY partition, offset, line
    )
    GROUP BY outcome
)
