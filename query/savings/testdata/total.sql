-- The cells of the savings report (docs/definitions.md section 4): messages of visible cells, counted by pricing signature (table
-- shapes). One row for each group and each set of conditions that pricing depends on (cells.go); cells holds its signatures, 40 bytes each: shape,
-- messages, reported_micros (16 bytes) and cohort_max_ms, all little-endian. Packed, because reading a row per signature takes longer than all the rest.
SELECT
    account,
    conditions,
    arrayStringConcat(groupArray(concat(reinterpretAsFixedString(shape), reinterpretAsFixedString(messages),
        reinterpretAsFixedString(reported_micros), reinterpretAsFixedString(cohort_max_ms)))) AS cells
FROM
(
    SELECT
        r.account AS account,
        CAST(reinterpretAsUInt32(r.reported_currency), 'UInt64') AS conditions,
        r.shape AS shape, sum(r.messages) AS messages, sum(r.reported_micros) AS reported_micros, max(r.cohort_max_ms) AS cohort_max_ms
    FROM rollup_cascades AS r
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
    GROUP BY account, conditions, shape
    HAVING sum(r.messages) != 0 OR sum(r.reported_micros) != 0
)
GROUP BY account, conditions, bitAnd(shape, 15) -- So that no row is larger than it need be.
-- edition = 7
-- now_quarter = 1793492100000
-- as_of = 0
-- whole_from = "1970-01-01"
-- whole_to = "2106-02-07"
-- from = 0
-- to = 4294967295
