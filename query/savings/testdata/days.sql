-- The cells of the savings report (docs/definitions.md section 4): messages of visible generations, counted by pricing signature (table
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
    FROM (
        SELECT toDateTime(cohort_day, 'UTC') AS cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms
        FROM rollup_cascade_days
        WHERE (account IN {filter_account:Array(String)} AND (day, build) IN (SELECT day, build FROM built))
            AND cohort_day >= {whole_from:Date} AND cohort_day < {whole_to:Date}
        UNION ALL
        SELECT cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms
        FROM rollup_cascades
        WHERE cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND account IN {filter_account:Array(String)} AND (bucket, generation) IN
            (
            SELECT bucket, newest
            FROM
            (
                SELECT bucket, max(generation) AS newest, argMax(cohort_min_ms, generation) AS min_ms, argMax(cohort_max_ms, generation) AS max_ms
                FROM generations
                WHERE generation <= {generation:UInt64} AND account IN {filter_account:Array(String)}
                GROUP BY bucket
                HAVING max_ms >= {from:UInt32} * 1000 AND min_ms < {to:UInt32} * 1000
            )
            WHERE toDate(bucket) NOT IN (SELECT day FROM built) OR
                min_ms < toInt64(toUnixTimestamp(toDateTime({whole_from:Date}, 'UTC'))) * 1000 OR max_ms >= toInt64(toUnixTimestamp(toDateTime({whole_to:Date}, 'UTC'))) * 1000
            )
            AND (toDate(bucket) NOT IN (SELECT day FROM built) OR
                cohort < toDateTime({whole_from:Date}, 'UTC') OR cohort >= toDateTime({whole_to:Date}, 'UTC'))
    ) AS r
    GROUP BY c0, conditions, shape
)
GROUP BY c0, conditions
-- from = 1790812800
-- to = 1793491200
-- generation = 7
-- filter_account = ["acme"]
-- tz = "UTC"
-- template_names = ["a","b"]
-- template_segments = [3,2]
-- whole_from = "2026-10-01"
-- whole_to = "2026-11-01"
