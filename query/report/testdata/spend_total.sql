WITH
    -- No price changes between two borders, and no cohort settles.
    roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)}) AS since
SELECT
    r.account, r.leg, r.code,
    -- What was not sent costs nothing, whatever its message.
    if(bitTest(r.code, 0), r.shape, 0) AS of_shape, r.message_segments, r.message_template, since,
    sum(r.attempts), sum(if(r.computed_segments > 0, r.attempts * toUInt16(bitShiftRight(r.code, 8)), 0)), sum(r.attempts * r.computed_segments),
    -- Currency (3 bytes) and sum (16, little-endian) of each currency in which prices were reported.
    arrayStringConcat(arrayMap((currency, micros) -> concat(currency, reinterpretAsFixedString(micros)), mapKeys(sumMap(r.reported)), mapValues(sumMap(r.reported)))),
    max(r.cohort_max_ms)
FROM rollup_spend AS r
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64} AND build NOT IN {dead:Array(UInt64)}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
GROUP BY r.account, r.leg, r.code, of_shape, r.message_segments, r.message_template, since
HAVING sum(r.attempts) != 0
-- from = 0
-- to = 4294967295
-- edition = 7
-- now_quarter = 1795132800000
-- as_of = 1795132799000
-- dead = [5]
-- whole_from = "1970-01-01"
-- whole_to = "2106-02-07"
-- cut_days = ["2025-10-20","2026-10-21","2026-11-13","2026-11-17","2026-11-19","2026-11-20"]
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
