-- What changed after a place in the feed. One writer gives the numbers of the feed in the order in which rows become visible, so what comes after
-- the last row that was read was not there before. Backwards it is read from a place on.
SELECT seq, account, number, `from`, `to`, at_ms, rule, seen_ms
FROM number_changes
WHERE seq < {before:UInt64} AND account IN {accounts:Array(String)} AND startsWith(number, {prefix:String})
ORDER BY seq DESC
LIMIT {limit:UInt32}
-- before = 9
-- accounts = ["x' OR '1'='1 {id:String}"]
-- prefix = "+"
-- limit = 10
