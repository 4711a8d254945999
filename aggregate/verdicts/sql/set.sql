-- Verdicts on touched numbers that were set by hand, or taken back (state ''), in their order. Which numbers: see
-- wanted.sql.
SELECT account, number, sets.2, sets.3, sets.4
FROM
(
    SELECT account, number, arraySort(groupArray((version, state, why, at_ms))) AS sets
    FROM number_overrides FINAL
    WHERE {{template "wanted" "number"}}
    GROUP BY account, number
)
ORDER BY account, number
