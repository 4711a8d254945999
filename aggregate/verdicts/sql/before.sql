-- The verdicts of touched numbers as they stand. Which numbers: see wanted.sql.
SELECT account, number, state, changed_ms, fingerprint
FROM number_health FINAL
PREWHERE {{template "wanted" "number"}}
ORDER BY account, number
SETTINGS max_threads = 2
