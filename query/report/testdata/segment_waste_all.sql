-- The report on wasted segments (docs/definitions.md section 4): sent SMS whose text is over a boundary by few characters, or UCS-2 for few,
-- by the keys and all that pricing must know. Legs never change, so any row of a leg serves; ANY keeps a leg that is stored twice from
-- counting twice.
WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms,
    r.account AS c0,
    r.campaign AS c1,
    r.template AS c2,
    r.sender AS c3,
    r.traffic AS c4,
    r.country AS c5,
    tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))) AS c6,
    toDate(r.cohort, {tz:String}) AS c7,
    toMonday(toDate(r.cohort, {tz:String})) AS c8,
    toStartOfMonth(toDate(r.cohort, {tz:String})) AS c9,
    toHour(r.cohort, {tz:String}) AS c10,
    toDayOfWeek(toDate(r.cohort, {tz:String})) AS c11
SELECT
    c0 AS k0,
    c1 AS k1,
    c2 AS k2,
    c3 AS k3,
    c4 AS k4,
    c5 AS k5,
    concat(formatDateTime(toDateTime(c6.1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(c6.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(c6.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(c6.2) % 3600, 60)), 2, '0')) AS k6,
    toString(c7) AS k7,
    toString(c8) AS k8,
    formatDateTime(c9, '%Y-%m') AS k9,
    c10 AS k10,
    c11 AS k11,
    r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments, r.sms_measure,
    -- No price changes between two borders, so any cohort in between will do.
    min(toUnixTimestamp(r.cohort)), sum(r.attempts),
    -- When the youngest cohort settles.
    greatest(
        if(sumIf(r.attempts, settles_from_ms > {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms > {now_quarter:Int64}), 0),
        if(sumIf(r.attempts, settles_from_ms = {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms = {now_quarter:Int64}), 0))
FROM
(
    SELECT
        w.account AS account, w.cohort AS cohort, w.campaign AS campaign, w.template AS template, w.code AS code,
        w.sms_segments AS sms_segments, w.sms_measure AS sms_measure, w.attempts AS attempts,
        w.cohort_max_ms AS cohort_max_ms,
        'sms' AS channel, l.provider AS provider, l.operator AS operator, l.country AS country, l.traffic AS traffic, l.sender AS sender, l.app AS app
    FROM
    (
        SELECT r.* FROM rollup_waste AS r
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND kind IN ('difference', 'quarter')
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)), edition = transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)))
    ) AS w
    LEFT ANY JOIN
    (
        SELECT account, leg, provider, operator, country, traffic, sender, app
        FROM legs
        WHERE channel = 'sms' AND account IN {filter_account:Array(String)}
    ) AS l ON l.account = w.account AND l.leg = w.leg
) AS r
WHERE r.account IN {filter_account:Array(String)}
    AND r.campaign IN {filter_campaign:Array(String)}
    AND r.template IN {filter_template:Array(String)}
    AND r.sender IN {filter_sender:Array(String)}
    AND r.traffic IN {filter_traffic:Array(String)}
    AND r.country IN {filter_country:Array(String)}
    AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
    AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
    AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
    AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
    AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
    AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)}
GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    r.sms_measure, roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
HAVING sum(r.attempts) != 0 AND tuple(k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11) >= tuple({after0:String}, {after1:String}, {after2:String}, {after3:String}, {after4:String}, {after5:String}, {after6:String}, {after7:String}, {after8:String}, {after9:String}, {after10:UInt8}, {after11:UInt8})
ORDER BY k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11
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
-- filter_campaign = ["x' OR '1'='1 {id:String}"]
-- filter_template = ["x' OR '1'='1 {id:String}"]
-- filter_sender = ["x' OR '1'='1 {id:String}"]
-- filter_traffic = [""]
-- filter_country = ["x' OR '1'='1 {id:String}"]
-- filter_hour = ["2026-11-20T13:00:00+05:45"]
-- filter_day = ["2026-11-16"]
-- filter_week = ["2026-11-16"]
-- filter_month = ["2026-11"]
-- filter_hour_of_day = [1]
-- filter_weekday = [1]
-- tz = "Asia/Kathmandu"
-- after0 = "x' OR '1'='1 {id:String}"
-- after1 = "x' OR '1'='1 {id:String}"
-- after2 = "x' OR '1'='1 {id:String}"
-- after3 = "x' OR '1'='1 {id:String}"
-- after4 = ""
-- after5 = "x' OR '1'='1 {id:String}"
-- after6 = "2026-11-20T13:00:00+05:45"
-- after7 = "2026-11-16"
-- after8 = "2026-11-16"
-- after9 = "2026-11"
-- after10 = 1
-- after11 = 1
