-- Whether an hour of these accounts (of all when there are none) lacks facts that were there, and begins in from…to. Parameters: accounts, from, to (Unix s).
SELECT count() > 0
FROM
(
    SELECT account, bucket
    FROM lost_hours
    WHERE toInt64(toUnixTimestamp(bucket)) >= {from:Int64} AND toInt64(toUnixTimestamp(bucket)) < {to:Int64}
        AND (empty({accounts:Array(String)}) OR account IN {accounts:Array(String)})
    GROUP BY account, bucket
    HAVING argMax(state, version) = 'open'
)
