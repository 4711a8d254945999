-- The messages of these cohorts that a recipient, or a person, was ever known to be addressed by: what they say now is looked at
-- when they are read.
SELECT DISTINCT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id
FROM attempts_by_recipient
WHERE account IN {accounts:Array(String)} AND recipient IN {recipients:Array(String)}
    AND cohort_ms >= {from_ms:Int64} AND cohort_ms < {to_ms:Int64}
    AND (account, bucket, message_id) > ({after_account:String}, toDateTime({after_bucket:UInt32}, 'UTC'), {after_id:String})
ORDER BY account, bucket, message_id
-- after_account = "x' OR '1'='1 {id:String}"
-- after_bucket = 25200
-- after_id = "x' OR '1'='1 {id:String}"
-- accounts = ["x' OR '1'='1 {id:String}"]
-- recipients = ["x' OR '1'='1 {id:String}"]
-- from_ms = 1000
-- to_ms = 2000
