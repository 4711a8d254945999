WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms
SELECT
    toUInt16(0) AS on_day,
    settles_from_ms = {now_quarter:Int64} AS settling, sumIf(r.attempted, settles_from_ms >= {now_quarter:Int64}), maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms >= {now_quarter:Int64})
FROM
(
        WITH transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route
        SELECT r.* FROM rollup_attempts AS r
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64} AND build NOT IN {dead:Array(UInt64)}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'route' AND day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)} AND intDiv({now_quarter:Int64} - (0 + toInt64(bitShiftRight(route, 4)) * 86400000), 86400000) != toUInt16(day)
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)} AND intDiv({now_quarter:Int64} - (0 + toInt64(bitShiftRight(route, 4)) * 86400000), 86400000) != toUInt16(day)) AND (day < {whole_from:Date} OR day >= {whole_to:Date} OR day IN {apart_days:Array(Date)}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
) AS r
WHERE 1
GROUP BY on_day, settling
HAVING sum(r.attempted) != 0
-- from = 0
-- to = 4294967295
-- edition = 7
-- now_quarter = 1795132800000
-- as_of = 1795132799000
-- dead = [5]
-- whole_from = "1970-01-01"
-- whole_to = "2106-02-07"
-- cut_days = ["2025-10-20"]
-- apart_days = ["2025-10-20","2026-11-20","2026-11-19","2026-11-17","2026-11-13","2026-10-21"]
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
