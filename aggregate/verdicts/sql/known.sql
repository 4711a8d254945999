-- Whether so many numbers of these accounts have a verdict. Parameters: accounts, from_account, from_number as in
-- wanted.sql, most.
SELECT count() >= {most:UInt64}
FROM
(
    SELECT 1 FROM number_health
    WHERE account IN {accounts:Array(String)} AND account >= {from_account:String}
        AND (account > {from_account:String} OR number > {from_number:String})
    LIMIT {most:UInt64}
)
