-- The report on wasted segments (docs/definitions.md section 4): sent SMS whose text is over a boundary by few characters, or UCS-2 for few,
-- by the keys and all that pricing must know. Legs never change, so any row of a leg serves; ANY keeps a leg that is stored twice from
-- counting twice.
WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms
SELECT
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
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64} AND build NOT IN {dead:Array(UInt64)}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
    ) AS w
    LEFT ANY JOIN
    (
        SELECT account, leg, provider, operator, country, traffic, sender, app
        FROM legs
        WHERE channel = 'sms'
    ) AS l ON l.account = w.account AND l.leg = w.leg
) AS r
GROUP BY r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    r.sms_measure, roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
HAVING sum(r.attempts) != 0
-- from = 0
-- to = 4294967295
-- edition = 7
-- now_quarter = 1795132800000
-- as_of = 1795132799000
-- dead = [5]
-- whole_from = "1970-01-01"
-- whole_to = "2106-02-07"
-- cut_days = ["2025-10-20","2026-10-21","2026-11-13","2026-11-17","2026-11-19","2026-11-20"]
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
