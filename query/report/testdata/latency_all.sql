WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    -- Windows of a minute and of a day that are over.
    toUnixTimestamp(r.window_end) = 0 OR toInt64(toUnixTimestamp(r.window_end)) * 1000 < {as_of:Int64} AS over_1m,
    toUnixTimestamp(r.window_end) = 0 OR toInt64(toUnixTimestamp(r.window_end)) * 1000 + 86400000 < {as_of:Int64} AS over_24h,
    r.attempted + r.skipped + unsubscribed + blocked + complained AS counted,
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
    toUInt16(r.day) AS on_day, settles_from_ms = {now_quarter:Int64} AS settling, bitAnd(route, 15) AS reports,
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
    sum(r.attempted), sum(r.sent), sum(r.delivered), sum(r.read), sum(r.clicked), sum(r.replied), sum(r.failed), sum(r.pending),
    sum(r.skipped), sum(r.skewed), sum(r.machine_opened), sum(unsubscribed), sum(blocked), sum(complained),
    sumIf(r.in_1m, over_1m), sumIf(r.timed, over_1m), sumIf(r.in_24h, over_24h), sumIf(r.timed, over_24h), sumIf(r.read_in_24h, over_24h),
    arrayStringConcat(arrayMap((cell, n) -> concat(reinterpretAsFixedString(cell), reinterpretAsFixedString(n)),
        mapKeys(sumMap(r.to_deliver)), mapValues(sumMap(r.to_deliver)))), arrayStringConcat(arrayMap((cell, n) -> concat(reinterpretAsFixedString(cell), reinterpretAsFixedString(n)),
        mapKeys(sumMap(r.to_read)), mapValues(sumMap(r.to_read)))), arrayStringConcat(arrayMap((cell, n) -> concat(reinterpretAsFixedString(cell), reinterpretAsFixedString(n)),
        mapKeys(sumMap(r.to_reply)), mapValues(sumMap(r.to_reply)))),
    sumIf(counted, settles_from_ms >= {now_quarter:Int64}), maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms >= {now_quarter:Int64}),
    min(multiIf(NOT over_1m, toInt64(toUnixTimestamp(r.window_end)) * 1000, NOT over_24h, toInt64(toUnixTimestamp(r.window_end)) * 1000 + 86400000,
        9999999999999)) AS until_ms
FROM
(
    SELECT account, day, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger,
        attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed, machine_opened,
        window_end, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read, to_reply,
        toInt64(0) AS unsubscribed, toInt64(0) AS blocked, toInt64(0) AS complained, cohort_max_ms
    FROM
    (
        SELECT r.* FROM rollup_attempts AS r
        WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND kind IN ('difference', 'quarter')
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)), edition = transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)))
    )
    UNION ALL
    -- An attempt counts once for each status, however many events are attributed to it.
    SELECT account, toDate(0) AS day, toStartOfFifteenMinutes(toDateTime(intDiv(one.1, 1000), 'UTC')) AS cohort,
        one.2 AS channel, one.3 AS provider, one.4 AS campaign, one.5 AS template, one.6 AS sender, one.7 AS app,
        one.8 AS operator, one.9 AS country, one.10 AS traffic, step, one.11 AS trigger,
        toInt64(0) AS attempted, toInt64(0) AS sent, toInt64(0) AS delivered, toInt64(0) AS read,
        toInt64(0) AS clicked, toInt64(0) AS replied, toInt64(0) AS failed, toInt64(0) AS pending,
        toInt64(0) AS skipped, toInt64(0) AS skewed, toInt64(0) AS machine_opened, toDateTime(0, 'UTC') AS window_end, toInt64(0) AS timed, toInt64(0) AS in_1m,
        toInt64(0) AS in_24h, toInt64(0) AS read_in_24h, map()::Map(UInt16, UInt64) AS to_deliver,
        map()::Map(UInt16, UInt64) AS to_read, map()::Map(UInt16, UInt64) AS to_reply,
        unsubscribed, blocked, complained, one.1 AS cohort_max_ms
    FROM
    (
        SELECT account, message_id, step, toInt64(max(status = 'unsubscribed')) AS unsubscribed, toInt64(max(status = 'blocked')) AS blocked,
            toInt64(max(status = 'complained')) AS complained,
            argMax((cohort_ms, channel, provider, campaign, template, sender, app, operator, country, traffic, trigger), generation) AS one
        FROM opt_outs
        WHERE found AND generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)} AND account IN {filter_account:Array(String)}
            -- Of an event the attribution that was published last.
            AND (account, recipient, status, event_channel, event_app, occurred_ms, named, generation) IN
            (
                SELECT account, recipient, status, event_channel, event_app, occurred_ms, named, max(generation)
                FROM opt_outs
                WHERE generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)} AND account IN {filter_account:Array(String)}
                GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named
            )
        GROUP BY account, message_id, step
    )
    WHERE one.1 >= {from:UInt32} * 1000 AND one.1 < {to:UInt32} * 1000
) AS r
WHERE 1
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
GROUP BY on_day, settling, reports, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17
HAVING sum(counted) != 0
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
