-- The report on wasted segments (docs/definitions.md section 4): sent SMS whose text is over a boundary by few characters, or UCS-2 for few,
-- by the keys and all that pricing must know. Legs never change, so any row of a leg serves; ANY keeps a leg that is stored twice from
-- counting twice.
WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route
SELECT
    r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments, r.sms_measure,
    -- No price changes between two borders, so any cohort in between will do.
    min(toUnixTimestamp(r.cohort)), sum(r.attempts),
    -- When the youngest cohort settles.
    max((toInt64(toUnixTimestamp(r.cohort)) + 900) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000)
FROM
(
    SELECT
        w.account AS account, w.cohort AS cohort, w.campaign AS campaign, w.template AS template, w.code AS code,
        w.sms_segments AS sms_segments, w.sms_measure AS sms_measure, w.attempts AS attempts,
        'sms' AS channel, l.provider AS provider, l.operator AS operator, l.country AS country, l.traffic AS traffic, l.sender AS sender, l.app AS app
    FROM rollup_waste AS w
    LEFT ANY JOIN
    (
        SELECT account, leg, provider, operator, country, traffic, sender, app
        FROM legs
        WHERE channel = 'sms'
    ) AS l ON l.account = w.account AND l.leg = w.leg
    WHERE w.cohort >= toDateTime({from:UInt32}, 'UTC') AND w.cohort < toDateTime({to:UInt32}, 'UTC')
        AND (w.account, w.bucket, w.generation) IN
        (
        SELECT account, bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64}
        GROUP BY account, bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
        )
) AS r
GROUP BY r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    r.sms_measure, roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
-- from = 0
-- to = 4294967295
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
