-- The verdicts of touched numbers as they stand. Parameters: accounts, done, ready, as in numbers_evidence.sql.
SELECT account, number, state, changed_ms, fingerprint
FROM number_health FINAL
PREWHERE (account IN {accounts:Array(String)}
        OR (account, number) IN (SELECT account, number FROM numbers_touched
            WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}))
ORDER BY account, number
SETTINGS max_threads = 2
