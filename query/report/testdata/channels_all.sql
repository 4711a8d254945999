-- The channel report (docs/definitions.md section 3): visible cells, each with what its route can report, summed by the keys. Rates need
-- the sums of those routes alone that can report what the rate asks for.
WITH
    -- What the cell's route can report (CapabilityCode in package law). A named provider is none of "any other", so its line wins over '*'; of
    -- two such lines the account's own wins.
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    bitTest(route, 0) AS has_delivery,
    bitTest(route, 1) AS has_reads,
    bitAnd(bitShiftRight(route, 2), 3) AS bound,
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
    sumIf(r.delivered, has_delivery), sumIf(r.sent, has_delivery), sumIf(r.attempted, has_delivery),
    sumIf(r.read, has_reads), sumIf(r.delivered, has_reads), sumIf(r.sent, has_reads),
    sumIf(r.replied, has_delivery), sumIf(r.clicked, has_delivery),
    sumIf(r.in_1m, has_delivery AND over_1m), sumIf(r.timed, has_delivery AND over_1m),
    sumIf(r.in_24h, has_delivery AND over_24h), sumIf(r.timed, has_delivery AND over_24h),
    sumIf(r.read_in_24h, has_reads AND over_24h), sumIf(r.timed, has_reads AND over_24h),
    sumIf(unsubscribed, has_delivery), sumIf(blocked, has_delivery), sumIf(complained, has_delivery),
    -- Delivered attempts by the bound of their route: 1 exact, 2 lower, 3 upper.
    sumIf(r.delivered, has_reads AND bound = 1), sumIf(r.delivered, has_reads AND bound = 2), sumIf(r.delivered, has_reads AND bound = 3),
    -- The latency cells at the nearest ranks, and whether there are any. Weights add up modulo 2^64, and so may be differences. (Merging whole
    -- histograms by sumMap takes five times as long.)
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_deliver.keys, r.to_deliver.values, has_delivery),
    sumIf(arraySum(r.to_deliver.values), has_delivery) != 0,
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_read.keys, r.to_read.values, has_reads),
    sumIf(arraySum(r.to_read.values), has_reads) != 0,
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_reply.keys, r.to_reply.values, has_delivery),
    sumIf(arraySum(r.to_reply.values), has_delivery) != 0,
    -- When the youngest cohort settles.
    greatest(
        if(sumIf(counted, settles_from_ms > {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms > {now_quarter:Int64}), 0),
        if(sumIf(counted, settles_from_ms = {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms = {now_quarter:Int64}), 0))
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
GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17
HAVING sum(counted) != 0 AND tuple(k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15, k16, k17) > tuple({after0:String}, {after1:String}, {after2:String}, {after3:String}, {after4:String}, {after5:String}, {after6:String}, {after7:String}, {after8:String}, {after9:String}, {after10:UInt8}, {after11:String}, {after12:String}, {after13:String}, {after14:String}, {after15:String}, {after16:UInt8}, {after17:UInt8})
ORDER BY k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15, k16, k17
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
