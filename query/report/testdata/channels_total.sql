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
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms
SELECT
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
        WHERE found AND generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)}
            -- Of an event the attribution that was published last.
            AND (account, recipient, status, event_channel, event_app, occurred_ms, named, generation) IN
            (
                SELECT account, recipient, status, event_channel, event_app, occurred_ms, named, max(generation)
                FROM opt_outs
                WHERE generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)}
                GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named
            )
        GROUP BY account, message_id, step
    )
    WHERE one.1 >= {from:UInt32} * 1000 AND one.1 < {to:UInt32} * 1000
) AS r
WHERE 1
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
