-- The cells of the savings report (docs/definitions.md section 4): messages of visible cells, counted by pricing signature (table
-- shapes). One row for each group and each set of conditions that pricing depends on (cells.go); cells holds its signatures, 40 bytes each: shape,
-- messages, reported_micros (16 bytes) and cohort_max_ms, all little-endian. Packed, because reading a row per signature takes longer than all the rest.
SELECT
    formatDateTime(c0, '%Y-%m') AS k0,
    conditions,
    arrayStringConcat(groupArray(concat(reinterpretAsFixedString(shape), reinterpretAsFixedString(messages),
        reinterpretAsFixedString(reported_micros), reinterpretAsFixedString(cohort_max_ms)))) AS cells
FROM
(
    SELECT
        toStartOfMonth(toDate(r.cohort, {tz:String})) AS c0,
        CAST(reinterpretAsUInt32(r.reported_currency), 'UInt64')
            + bitShiftLeft(CAST(transform(r.template, {template_names:Array(String)}, {template_segments:Array(UInt16)}, 0), 'UInt64'), 24) AS conditions,
        r.shape AS shape, sum(r.messages) AS messages, sum(r.reported_micros) AS reported_micros, max(r.cohort_max_ms) AS cohort_max_ms
    FROM rollup_cascades AS r
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)), edition = transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)))
    GROUP BY c0, conditions, shape
    HAVING sum(r.messages) != 0 OR sum(r.reported_micros) != 0
)
GROUP BY c0, conditions
-- edition = 7
-- now_quarter = 1793492100000
-- as_of = 0
-- base_days = ["1970-01-01"]
-- base_editions = [0]
-- whole_from = "2026-10-01"
-- whole_to = "2026-11-01"
-- from = 1790812800
-- to = 1793491200
-- filter_account = ["acme"]
-- tz = "UTC"
-- template_names = ["a","b"]
-- template_segments = [3,2]
