-- Events of the message whose place is not known yet.
SELECT account, step, status, min(occurred_ms), any(channel), any(provider), min(parked_ms)
FROM orphans
WHERE message_id = {id:String} AND account = {account:String}
    AND (topic, partition, offset, line) NOT IN (
        SELECT topic, partition, offset, line FROM orphan_ends
        WHERE (topic, partition, offset, line) IN (
            SELECT topic, partition, offset, line FROM orphans
            WHERE message_id = {id:String} AND account = {account:String}))
GROUP BY account, step, status, topic, partition, offset, line
ORDER BY account, min(occurred_ms), step, status
LIMIT 10000
-- id = "01a1a8c8-f88e-7ddf-837b-235096e0a668"
-- account = "x' OR '1'='1 {id:String}"
