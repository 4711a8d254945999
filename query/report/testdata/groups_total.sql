SELECT
    toInt64(toUnixTimestamp(min(began))) AS first_s,
    sum(n_attempted) AS attempted, sum(n_sent) AS sent, sum(n_delivered) AS delivered, sum(n_read) AS read, sum(n_clicked) AS clicked,
    sum(n_replied) AS replied, sum(n_failed) AS failed, sum(n_pending) AS pending, sum(n_skipped),
    sum(n_delivery_num) AS delivery_num, sum(n_delivery_den) AS delivery_den, sum(n_open_num) AS open_num, sum(n_open_den) AS open_den,
    sum(n_click_num) AS click_num, sum(n_reply_num) AS reply_num,
    -- Delivered attempts by the bound of their route: 1 exact, 2 lower, 3 upper.
    sum(n_exact), sum(n_lower), sum(n_upper),
    max(settled_ms), toInt64(0) AS rank
FROM
(
    WITH
        transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
        bitTest(route, 0) AS has_delivery,
        bitTest(route, 1) AS has_reads,
        bitAnd(bitShiftRight(route, 2), 3) AS bound,
        r.attempted + r.skipped AS counted,
        toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms
    SELECT
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
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64} AND build NOT IN {dead:Array(UInt64)}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND kind IN ('difference', 'quarter')
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
    GROUP BY r.cohort
    HAVING sum(counted) != 0
)
LIMIT {limit:UInt32}
-- from = 0
-- to = 4294967295
-- edition = 7
-- now_quarter = 1795132800000
-- as_of = 1795132799000
-- dead = [5]
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
