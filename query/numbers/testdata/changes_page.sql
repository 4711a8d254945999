-- What changed after a place in the feed. One writer gives the numbers of the feed in the order in which rows become visible, so what comes after
-- the last row that was read was not there before. Backwards it is read from a place on.
SELECT seq, account, number, `from`, `to`, at_ms, rule, seen_ms
FROM number_changes
WHERE seq > {after:UInt64} AND seq <= {head:UInt64} AND account IN {accounts:Array(String)} AND number = {number:String} AND `to` IN {to:Array(String)}
ORDER BY seq
LIMIT {limit:UInt32}
-- after = 7
-- head = 9
-- accounts = ["acme","x' OR '1'='1 {id:String}"]
-- number = "x' OR '1'='1 {id:String}"
-- to = ["dead"]
-- limit = 10
