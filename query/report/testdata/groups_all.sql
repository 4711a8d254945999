SELECT
    k0,
    k1,
    k2,
    k3,
    k4,
    k5,
    k6,
    k7,
    k8,
    k9,
    k10,
    k11,
    k12,
    k13,
    k14,
    k15,
    k16,
    k17,
    toInt64(toUnixTimestamp(min(began))) AS first_s,
    sum(n_attempted) AS attempted, sum(n_sent) AS sent, sum(n_delivered) AS delivered, sum(n_read) AS read, sum(n_clicked) AS clicked,
    sum(n_replied) AS replied, sum(n_failed) AS failed, sum(n_pending) AS pending, sum(n_skipped),
    sum(n_delivery_num) AS delivery_num, sum(n_delivery_den) AS delivery_den, sum(n_open_num) AS open_num, sum(n_open_den) AS open_den,
    sum(n_click_num) AS click_num, sum(n_reply_num) AS reply_num,
    -- Delivered attempts by the bound of their route: 1 exact, 2 lower, 3 upper.
    sum(n_exact), sum(n_lower), sum(n_upper),
    max(settled_ms), if(delivery_num = 0, 9223372036854775807, -(intDiv(2000000 * reply_num + delivery_num, 2 * greatest(delivery_num, 1)))) AS rank
FROM
(
    WITH
        transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
        bitTest(route, 0) AS has_delivery,
        bitTest(route, 1) AS has_reads,
        bitAnd(bitShiftRight(route, 2), 3) AS bound,
        r.attempted + r.skipped AS counted,
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
        toDayOfWeek(toDate(r.cohort, {tz:String})) AS c17
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
        r.cohort AS began,
        sum(r.attempted) AS n_attempted, sum(r.sent) AS n_sent, sum(r.delivered) AS n_delivered, sum(r.read) AS n_read, sum(r.clicked) AS n_clicked,
        sum(r.replied) AS n_replied, sum(r.failed) AS n_failed, sum(r.pending) AS n_pending, sum(r.skipped) AS n_skipped,
        sumIf(r.delivered, has_delivery) AS n_delivery_num, sumIf(r.sent, has_delivery) AS n_delivery_den,
        sumIf(r.read, has_reads) AS n_open_num, sumIf(r.delivered, has_reads) AS n_open_den,
        sumIf(r.clicked, has_delivery) AS n_click_num, sumIf(r.replied, has_delivery) AS n_reply_num,
        sumIf(r.delivered, has_reads AND bound = 1) AS n_exact, sumIf(r.delivered, has_reads AND bound = 2) AS n_lower,
        sumIf(r.delivered, has_reads AND bound = 3) AS n_upper,
        greatest(
        if(sumIf(counted, settles_from_ms > {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms > {now_quarter:Int64}), 0),
        if(sumIf(counted, settles_from_ms = {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms = {now_quarter:Int64}), 0)) AS settled_ms
    FROM rollup_attempts AS r
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND kind IN ('difference', 'quarter')
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)), edition = transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)))
        AND r.account IN {filter_account:Array(String)}
        AND r.channel IN {filter_channel:Array(String)}
        AND r.provider IN {filter_provider:Array(String)}
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
        AND (positionCaseInsensitiveUTF8(toString(c0), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c1), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c2), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c3), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c4), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c5), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c6), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c7), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c8), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c9), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c10), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c11), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(concat(formatDateTime(toDateTime(c12.1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(c12.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(c12.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(c12.2) % 3600, 60)), 2, '0'))), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(toString(c13)), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(toString(c14)), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(formatDateTime(c15, '%Y-%m')), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c16), {search:String}) > 0 OR positionCaseInsensitiveUTF8(toString(c17), {search:String}) > 0 OR 0)
    GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, r.cohort
    HAVING sum(counted) != 0
)
GROUP BY k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15, k16, k17
HAVING tuple(rank, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15, k16, k17) > tuple({after_rank:Int64}, {after0:String}, {after1:String}, {after2:String}, {after3:String}, {after4:String}, {after5:String}, {after6:String}, {after7:String}, {after8:String}, {after9:String}, {after10:UInt8}, {after11:String}, {after12:String}, {after13:String}, {after14:String}, {after15:String}, {after16:UInt8}, {after17:UInt8})
ORDER BY rank, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15, k16, k17
LIMIT {limit:UInt32}
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
-- filter_provider = ["x' OR '1'='1 {id:String}"]
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
-- search = "x' OR '1'='1 {id:String}"
-- after_rank = -41
-- after0 = "x' OR '1'='1 {id:String}"
-- after1 = "sms"
-- after2 = "x' OR '1'='1 {id:String}"
-- after3 = "x' OR '1'='1 {id:String}"
-- after4 = "x' OR '1'='1 {id:String}"
-- after5 = "x' OR '1'='1 {id:String}"
-- after6 = "x' OR '1'='1 {id:String}"
-- after7 = "x' OR '1'='1 {id:String}"
-- after8 = "x' OR '1'='1 {id:String}"
-- after9 = ""
-- after10 = 1
-- after11 = "expired"
-- after12 = "2026-11-20T13:00:00+05:45"
-- after13 = "2026-11-16"
-- after14 = "2026-11-16"
-- after15 = "2026-11"
-- after16 = 1
-- after17 = 1
