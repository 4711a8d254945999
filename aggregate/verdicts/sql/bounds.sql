-- The last numbers of slices of about the same size: of a sample every n-th. Of accounts of which all numbers are
-- wanted these are all that have a verdict.
-- Parameters: done, ready, from_account, from_number as in touched.sql, sample (one in how many belongs to it), every.
WITH touched AS
(
    SELECT account, number FROM numbers_touched
    WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}
)
SELECT account, number
FROM
(
    SELECT account, number, row_number() OVER (ORDER BY account, number) AS place
    FROM
    (
        SELECT DISTINCT account, number
        FROM
        (
            SELECT account, number FROM touched WHERE number != ''
            UNION ALL
            SELECT account, number FROM number_health WHERE account IN (SELECT account FROM touched WHERE number = '')
        )
        WHERE (account > {from_account:String} OR account = {from_account:String} AND number > {from_number:String})
            AND cityHash64(account, number) % {sample:UInt64} = 0
    )
)
WHERE place % {every:UInt64} = 0
ORDER BY account, number
