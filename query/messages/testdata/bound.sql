-- The message up to which a page reads next, so that it reads about so many attempts and no message in part; none where the hours
-- hold fewer. External table: targets.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id
FROM attempts
WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
    AND (account != {after_account:String} OR bucket != toDateTime({after_bucket:UInt32}, 'UTC') OR message_id > {after_id:String})
ORDER BY account, bucket, message_id
LIMIT 1 OFFSET {attempts:UInt32}
-- edition = 7
-- dead = [4]
-- after_account = "x' OR '1'='1 {id:String}"
-- after_bucket = 25200
-- after_id = "x' OR '1'='1 {id:String}"
