-- Verdicts on touched numbers that were set by hand, or taken back (state ''), in their order. Parameters: accounts,
-- done, ready, as in numbers_evidence.sql.
SELECT account, number, sets.2, sets.3, sets.4
FROM
(
    SELECT account, number, arraySort(groupArray((version, state, why, at_ms))) AS sets
    FROM number_overrides FINAL
    WHERE (account IN {accounts:Array(String)}
        OR (account, number) IN (SELECT account, number FROM numbers_touched
            WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}))
    GROUP BY account, number
)
ORDER BY account, number
