-- The messages of these cohorts that a recipient, or a person, was ever known to be addressed by: what they say now is looked at
-- when they are read.
SELECT DISTINCT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id
FROM attempts_by_recipient
WHERE person IN {contacts:Array(String)}
    AND cohort_ms >= {from_ms:Int64} AND cohort_ms < {to_ms:Int64}
ORDER BY account, bucket, message_id
-- contacts = ["x' OR '1'='1 {id:String}"]
-- from_ms = 1000
-- to_ms = 2000
