-- The hours that hold messages of these cohorts and campaigns, with about how many attempts: cells say both, so that no fact of
-- another hour is read. What a row of a cell takes away, or an edition that died, can only name an hour too many.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, greatest(sum(attempted + skipped), 1)
FROM rollup_attempts
WHERE account IN {accounts:Array(String)} AND kind IN ('difference', 'quarter')
    AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC'))
    AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
    AND campaign IN {campaigns:Array(String)}
    AND channel IN {channels:Array(String)}
    AND (account, bucket) >= ({after_account:String}, toDateTime({after_bucket:UInt32}, 'UTC'))
GROUP BY account, bucket
ORDER BY account, bucket
-- after_account = "x' OR '1'='1 {id:String}"
-- after_bucket = 25200
-- after_id = "x' OR '1'='1 {id:String}"
-- accounts = ["x' OR '1'='1 {id:String}"]
-- campaigns = ["x' OR '1'='1 {id:String}"]
-- channels = ["x' OR '1'='1 {id:String}"]
-- from = 1
-- to = 2
