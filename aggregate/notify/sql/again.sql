-- What is still there of a batch, of one account or ('') of all of them.
SELECT account, number, `from`, `to`, rule, at_ms, seen_ms, seq
FROM number_changes
WHERE (account = {account:String} OR {account:String} = '') AND seq >= {first:UInt64} AND seq <= {last:UInt64}
ORDER BY seq
