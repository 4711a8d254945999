WITH
    dead AS
    (
        SELECT account, number, dead_from_ms, dead_to_ms, dead_rules
        FROM number_health FINAL
        WHERE notEmpty(dead_from_ms) AND account IN {filter_account:Array(String)}
    ),
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
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
    r.rule AS c18
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
    r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    -- No price changes between two borders, so any cohort in between will do.
    min(toUnixTimestamp(r.cohort)), count(),
    -- When the youngest cohort settles.
    max(r.cohort_ms + toInt64(bitShiftRight(route, 4)) * 86400000)
FROM
(
    SELECT
        a.account AS account, a.channel AS channel, a.provider AS provider, a.campaign AS campaign, a.template AS template, a.sender AS sender, a.app AS app,
        a.operator AS operator, a.country AS country, a.traffic AS traffic, a.step AS step, a.trigger AS trigger, a.cohort_ms AS cohort_ms,
        toStartOfFifteenMinutes(toDateTime(intDiv(a.cohort_ms, 1000), 'UTC')) AS cohort, a.sms_segments AS sms_segments,
        a.code AS code,
        if(a.start_ms = 9999999999999, a.cohort_ms, a.start_ms) AS started_ms,
        -- The attempt whose failure made the number dead started just then: no list had the number yet.
        arrayFirstIndex((since, until) -> since < started_ms AND started_ms < until, d.dead_from_ms, d.dead_to_ms) AS span,
        d.dead_rules[span] AS rule
    FROM
    (
        SELECT *
        FROM attempts_by_recipient FINAL
        WHERE (account, recipient) IN (SELECT account, number FROM dead) AND channel IN {phone_channels:Array(String)}
            AND NOT bitTest(code, 6) AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
    ) AS a
    INNER JOIN dead AS d ON d.account = a.account AND d.number = a.recipient
    WHERE span > 0
) AS r
WHERE r.account IN {filter_account:Array(String)}
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
    AND r.rule IN {filter_rule:Array(String)}
GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_join = 1000000000
-- from = 1760572800
-- to = 1795136400
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
-- filter_rule = ["hard"]
-- tz = "Asia/Kathmandu"
