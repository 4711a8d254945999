WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms,
    r.account AS c0,
    r.channel AS c1,
    r.provider AS c2,
    r.campaign AS c3,
    r.template AS c4,
    r.sender AS c5,
    r.app AS c6,
    r.operator AS c7,
    r.country AS c8,
    r.traffic AS c9,
    r.step AS c10,
    r.trigger AS c11,
    tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))) AS c12,
    toDate(r.cohort, {tz:String}) AS c13,
    toMonday(toDate(r.cohort, {tz:String})) AS c14,
    toStartOfMonth(toDate(r.cohort, {tz:String})) AS c15,
    toHour(r.cohort, {tz:String}) AS c16,
    toDayOfWeek(toDate(r.cohort, {tz:String})) AS c17,
    r.error_code AS c18
SELECT
    c0 AS k0,
    c1 AS k1,
    c2 AS k2,
    c3 AS k3,
    c4 AS k4,
    c5 AS k5,
    c6 AS k6,
    c7 AS k7,
    c8 AS k8,
    c9 AS k9,
    c10 AS k10,
    c11 AS k11,
    concat(formatDateTime(toDateTime(c12.1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(c12.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(c12.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(c12.2) % 3600, 60)), 2, '0')) AS k12,
    toString(c13) AS k13,
    toString(c14) AS k14,
    formatDateTime(c15, '%Y-%m') AS k15,
    c16 AS k16,
    c17 AS k17,
    c18 AS k18,
    r.account, r.channel, r.provider, r.error_code, r.expired, toUInt16(0) AS on_day,
    settles_from_ms = {now_quarter:Int64} AS settling, sum(r.failed),
    sumIf(r.failed, settles_from_ms >= {now_quarter:Int64}), maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms >= {now_quarter:Int64})
FROM rollup_failures AS r
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND kind IN ('difference', 'quarter')
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)), edition = transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)))
    AND r.account IN {filter_account:Array(String)}
    AND r.channel IN {filter_channel:Array(String)}
    AND r.campaign IN {filter_campaign:Array(String)}
    AND r.template IN {filter_template:Array(String)}
    AND r.sender IN {filter_sender:Array(String)}
    AND r.app IN {filter_app:Array(String)}
    AND r.operator IN {filter_operator:Array(String)}
    AND r.country IN {filter_country:Array(String)}
    AND r.traffic IN {filter_traffic:Array(String)}
    AND r.step IN {filter_step:Array(UInt8)}
    AND r.trigger IN {filter_trigger:Array(String)}
    AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
    AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
    AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
    AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
    AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
    AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)}
GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, r.account, r.channel, r.provider, r.error_code, r.expired, on_day, settling
HAVING sum(r.failed) != 0
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
-- filter_channel = ["sms"]
-- filter_campaign = ["x' OR '1'='1 {id:String}"]
-- filter_template = ["x' OR '1'='1 {id:String}"]
-- filter_sender = ["x' OR '1'='1 {id:String}"]
-- filter_app = ["x' OR '1'='1 {id:String}"]
-- filter_operator = ["x' OR '1'='1 {id:String}"]
-- filter_country = ["x' OR '1'='1 {id:String}"]
-- filter_traffic = [""]
-- filter_step = [1]
-- filter_trigger = ["expired"]
-- filter_hour = ["2026-11-20T13:00:00+05:45"]
-- filter_day = ["2026-11-16"]
-- filter_week = ["2026-11-16"]
-- filter_month = ["2026-11"]
-- filter_hour_of_day = [1]
-- filter_weekday = [1]
-- tz = "Asia/Kathmandu"
