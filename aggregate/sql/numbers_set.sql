-- Verdicts on touched numbers that were set by hand, or taken back (state ''). Parameters: accounts, done, ready, as in numbers_evidence.sql.
SELECT account, number, state, why, at_ms
FROM number_overrides FINAL
WHERE (account IN {accounts:Array(String)}
        OR (account, number) IN (SELECT account, number FROM numbers_touched WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}))
ORDER BY account, number
