-- The attempts among those of list.sql that carry units of dialogs, in the same order. Of a dialog the latest edition counts; one
-- that moved to another person has a row for each in one edition. External table: targets.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, latest.2 = 1, latest.3 = 1
FROM
(
    SELECT account, bucket, message_id, step, argMax((gone, conversation, outside), (generation, NOT gone)) AS latest
    FROM dialogs
    WHERE (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM targets)
    AND (account != {after_account:String} OR bucket != toDateTime({after_bucket:UInt32}, 'UTC') OR message_id > {after_id:String})
    AND (account != {last_account:String} OR bucket != toDateTime({last_bucket:UInt32}, 'UTC') OR message_id <= {last_id:String})
        AND generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)}
    GROUP BY account, bucket, message_id, step
)
WHERE latest.1 = 0 AND latest.2 + latest.3 > 0
ORDER BY account, bucket, message_id, step
-- edition = 7
-- dead = [4]
-- after_account = "x' OR '1'='1 {id:String}"
-- after_bucket = 25200
-- after_id = "x' OR '1'='1 {id:String}"
-- last_account = "x' OR '1'='1 {id:String}"
-- last_bucket = 25200
-- last_id = "x' OR '1'='1 {id:String}"
