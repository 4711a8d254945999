-- The last numbers of slices of touched numbers that are about as large as each other: every so-manieth of a sample.
-- Parameters: done, ready, from_account, from_number as in touched.sql, sample (one in how many belongs to it), every.
SELECT account, number
FROM
(
    SELECT account, number, row_number() OVER (ORDER BY account, number) AS place
    FROM
    (
        SELECT DISTINCT account, number
        FROM numbers_touched
        WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}
            AND (account > {from_account:String} OR account = {from_account:String} AND number > {from_number:String})
            AND cityHash64(number) % {sample:UInt64} = 0
    )
)
WHERE place % {every:UInt64} = 0
ORDER BY account, number
