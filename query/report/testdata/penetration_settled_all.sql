WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms,
    r.account AS c0,
    tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))) AS c1,
    toDate(r.cohort, {tz:String}) AS c2,
    toMonday(toDate(r.cohort, {tz:String})) AS c3,
    toStartOfMonth(toDate(r.cohort, {tz:String})) AS c4,
    toHour(r.cohort, {tz:String}) AS c5,
    toDayOfWeek(toDate(r.cohort, {tz:String})) AS c6
SELECT
    c0 AS k0,
    concat(formatDateTime(toDateTime(c1.1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(c1.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(c1.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(c1.2) % 3600, 60)), 2, '0')) AS k1,
    toString(c2) AS k2,
    toString(c3) AS k3,
    formatDateTime(c4, '%Y-%m') AS k4,
    c5 AS k5,
    c6 AS k6,
    toUInt16(0) AS on_day,
    settles_from_ms = {now_quarter:Int64} AS settling, sumIf(r.attempted, settles_from_ms >= {now_quarter:Int64}), maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms >= {now_quarter:Int64})
FROM
(
        SELECT r.* FROM rollup_attempts AS r
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND kind IN ('difference', 'quarter')
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)), edition = transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)))
) AS r
WHERE 1
    AND r.account IN {filter_account:Array(String)}
    AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
    AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
    AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
    AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
    AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
    AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)}
GROUP BY on_day, settling, c0, c1, c2, c3, c4, c5, c6
HAVING sum(r.attempted) != 0
-- from = 1760572800
-- to = 1795136400
-- edition = 7
-- now_quarter = 1795132800000
-- as_of = 1795132799000
-- dead = [5]
-- base_days = ["1970-01-01"]
-- base_editions = [0]
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
-- filter_account = ["x' OR '1'='1 {id:String}"]
-- filter_hour = ["2026-11-20T13:00:00+05:45"]
-- filter_day = ["2026-11-16"]
-- filter_week = ["2026-11-16"]
-- filter_month = ["2026-11"]
-- filter_hour_of_day = [1]
-- filter_weekday = [1]
-- tz = "Asia/Kathmandu"
