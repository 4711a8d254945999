-- Parked events by how they ended. An orphan is (topic, partition, offset, line): read again, none is added.
SELECT
    (
        SELECT uniqExact(partition, offset, line)
        FROM orphans
        WHERE topic = {topic:String}
            AND (partition, offset, line) NOT IN (SELECT partition, offset, line FROM orphan_ends WHERE topic = {topic:String})
    ) AS parked,
    (SELECT count() FROM orphan_ends FINAL WHERE topic = {topic:String} AND outcome = 'joined') AS joined,
    (SELECT count() FROM orphan_ends FINAL WHERE topic = {topic:String} AND outcome = 'expired') AS expired,
    (SELECT uniqExact(account, message_id) FROM splits) AS split_messages
