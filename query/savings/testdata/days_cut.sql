-- The cells of the savings report (docs/definitions.md section 4): messages of visible generations, counted by pricing signature (table
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
            + bitShiftLeft(CAST(intDiv(roundDown(toUnixTimestamp(r.cohort), {tariff_borders:Array(UInt32)}), 900), 'UInt64'), 32)
            + bitShiftLeft(CAST(if(r.account IN {month_accounts0:Array(String)}, arrayCount(e -> e <= toUnixTimestamp(r.cohort), {month_ends0:Array(UInt32)}), 0), 'UInt64'), 56) AS conditions,
        r.shape AS shape, sum(r.messages) AS messages, sum(r.reported_micros) AS reported_micros, max(r.cohort_max_ms) AS cohort_max_ms
    FROM (
        SELECT account, toDateTime(cohort_day, 'UTC') AS cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms
        FROM rollup_cascade_days
        WHERE ((account, day, build) IN (SELECT account, day, build FROM built))
            AND cohort_day >= {whole_from:Date} AND cohort_day < {whole_to:Date} AND cohort_day NOT IN {cut_days:Array(Date)}
        UNION ALL
        SELECT account, cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms
        FROM rollup_cascades
        WHERE cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (account, bucket, generation) IN
            (
            SELECT account, bucket, newest
            FROM
            (
                SELECT account, bucket, max(generation) AS newest, argMax(cohort_min_ms, generation) AS min_ms, argMax(cohort_max_ms, generation) AS max_ms
                FROM generations
                WHERE generation <= {generation:UInt64} AND account IN {filter_account:Array(String)}
                GROUP BY account, bucket
                HAVING max_ms >= {from:UInt32} * 1000 AND min_ms < {to:UInt32} * 1000
            )
            WHERE (account, toDate(bucket)) NOT IN (SELECT account, day FROM built) OR
                min_ms < toInt64(toUnixTimestamp(toDateTime({whole_from:Date}, 'UTC'))) * 1000 OR max_ms >= toInt64(toUnixTimestamp(toDateTime({whole_to:Date}, 'UTC'))) * 1000 OR arrayExists(day -> toDate(fromUnixTimestamp64Milli(min_ms, 'UTC')) <= day AND toDate(fromUnixTimestamp64Milli(max_ms, 'UTC')) >= day, {cut_days:Array(Date)})
            )
            AND ((account, toDate(bucket)) NOT IN (SELECT account, day FROM built) OR
                cohort < toDateTime({whole_from:Date}, 'UTC') OR cohort >= toDateTime({whole_to:Date}, 'UTC') OR toDate(cohort) IN {cut_days:Array(Date)})
    ) AS r
        WHERE r.template IN {filter_template:Array(String)}
        AND r.campaign IN {filter_campaign:Array(String)}
    GROUP BY c0, account, conditions, shape
)
GROUP BY c0, account, conditions
-- from = 1790812800
-- to = 1793491200
-- generation = 7
-- filter_account = ["acme","x' OR '1'='1 {id:String}"]
-- filter_template = ["x' OR '1'='1 {id:String}"]
-- filter_campaign = ["c"]
-- tariff_borders = [0,1791000000,1792000800]
-- month_ends0 = [1790899200,1793491200]
-- month_accounts0 = ["acme"]
-- template_names = ["24/x' OR '1'='1 {id:String}a","4/acmea","4/acmex' OR '1'='1 {id:String}"]
-- template_segments = [0,1,0,2,0,3]
-- template_ids = [1,2,3]
-- template_starts = [0,4294967296,6088457596,8589934592,12884901888,14675715588]
-- whole_from = "2026-10-01"
-- whole_to = "2026-11-01"
-- cut_days = ["2026-10-01","2026-10-03","2026-10-14","2026-10-31"]
