-- Touched numbers of a slice, '' for all of an account's. Parameters: done, ready (the generations that lie between
-- have touched them), from_account, from_number, to_account, to_number as in wanted.sql, most (how many at most).
SELECT DISTINCT account, number
FROM numbers_touched
PREWHERE account >= {from_account:String} AND account <= {to_account:String}
    AND generation > {done:UInt64} AND generation <= {ready:UInt64}
WHERE (account > {from_account:String} OR number > {from_number:String})
    AND (account < {to_account:String} OR number <= {to_number:String})
LIMIT {most:UInt64}
