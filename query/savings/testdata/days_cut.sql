-- The cells of the savings report (docs/definitions.md section 4): messages of visible cells, counted by pricing signature (table
-- shapes). One row for each group and each set of conditions that pricing depends on (cells.go); cells holds its signatures, 40 bytes each: shape,
-- messages, reported_micros (16 bytes) and cohort_max_ms, all little-endian. Packed, because reading a row per signature takes longer than all the rest.
SELECT
    c0 AS k0,
    account,
    conditions,
    arrayStringConcat(groupArray(concat(reinterpretAsFixedString(shape), reinterpretAsFixedString(messages),
        reinterpretAsFixedString(reported_micros), reinterpretAsFixedString(cohort_max_ms)))) AS cells
FROM
(
    SELECT
        r.campaign AS c0,
        r.account AS account,
        CAST(reinterpretAsUInt32(r.reported_currency), 'UInt64')
            + bitShiftLeft(CAST(transform(roundDown(bitShiftLeft(CAST(transform(concat(toString(length(r.account)), '/', r.account, r.template), {template_names:Array(String)}, {template_ids:Array(UInt64)}, 0), 'UInt64'), 32) + toUnixTimestamp(r.cohort), {template_starts:Array(UInt64)}), {template_starts:Array(UInt64)}, {template_segments:Array(UInt16)}, 0), 'UInt64'), 24)
            + bitShiftLeft(CAST(intDiv(roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)}), 900), 'UInt64'), 32)
            + bitShiftLeft(CAST(if(r.account IN {month_accounts0:Array(String)}, arrayCount(e -> e <= toUnixTimestamp(r.cohort), {month_ends0:Array(UInt32)}), 0), 'UInt64'), 56) AS conditions,
        r.shape AS shape, sum(r.messages) AS messages, sum(r.reported_micros) AS reported_micros, max(r.cohort_max_ms) AS cohort_max_ms
    FROM rollup_cascades AS r
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
        AND r.template IN {filter_template:Array(String)}
        AND r.campaign IN {filter_campaign:Array(String)}
    GROUP BY c0, account, conditions, shape
    HAVING sum(r.messages) != 0 OR sum(r.reported_micros) != 0
)
GROUP BY c0, account, conditions
-- edition = 7
-- now_quarter = 1793492100000
-- as_of = 0
-- whole_from = "2026-10-01"
-- whole_to = "2026-11-01"
-- cut_days = ["2026-10-01","2026-10-03","2026-10-14","2026-10-31"]
-- from = 1790812800
-- to = 1793491200
-- filter_account = ["acme","x' OR '1'='1 {id:String}"]
-- filter_template = ["x' OR '1'='1 {id:String}"]
-- filter_campaign = ["c"]
-- borders = [0,1791000000,1792000800]
-- month_ends0 = [1790899200,1793491200]
-- month_accounts0 = ["acme"]
-- template_names = ["24/x' OR '1'='1 {id:String}a","4/acmea","4/acmex' OR '1'='1 {id:String}"]
-- template_segments = [0,1,0,2,0,3]
-- template_ids = [1,2,3]
-- template_starts = [0,4294967296,6088457596,8589934592,12884901888,14675715588]
