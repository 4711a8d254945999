WITH
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
    toInt64(toUnixTimestamp(r.cohort)) * 1000 + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_from_ms
SELECT
    g.account, g.leg, g.code, g.message_segments, g.message_template, g.since, g.attempts, g.billed_segments, g.computed_segments,
    -- Currency (3 bytes) and sum (16, little-endian) of each currency in which prices were reported.
    arrayStringConcat(arrayMap((currency, micros) -> concat(currency, reinterpretAsFixedString(micros)), mapKeys(g.reported), mapValues(g.reported))),
    -- Leg (8 bytes, little-endian) and code (4) of each attempted step of the message.
    arrayStringConcat(arrayMap((leg, code) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code)), m.legs, m.codes)),
    g.settled_ms
FROM
(
    SELECT
        r.account AS account, r.leg AS leg, r.code AS code,
        -- What was not sent costs nothing, whatever its message.
        if(bitTest(r.code, 0), r.shape, 0) AS shape, r.message_segments AS message_segments, r.message_template AS message_template,
        -- No price changes between two borders.
        roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)}) AS since,
        sum(r.attempts) AS attempts, sum(if(r.computed_segments > 0, r.attempts * toUInt16(bitShiftRight(r.code, 8)), 0)) AS billed_segments,
        sum(r.attempts * r.computed_segments) AS computed_segments, sumMap(r.reported) AS reported,
        -- When the youngest cohort settles.
        greatest(
        if(sumIf(r.attempts, settles_from_ms > {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms > {now_quarter:Int64}), 0),
        if(sumIf(r.attempts, settles_from_ms = {now_quarter:Int64}) > 0, maxIf(r.cohort_max_ms + toInt64(bitShiftRight(route, 4)) * 86400000, settles_from_ms = {now_quarter:Int64}), 0)) AS settled_ms
    FROM
    (
        SELECT s.*, l.channel AS channel, l.provider AS provider, l.operator AS operator, l.country AS country, l.traffic AS traffic,
            l.sender AS sender, l.app AS app, l.trigger AS trigger
        FROM
        (
        SELECT r.* FROM rollup_spend AS r
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (account, day, edition) IN (
            SELECT account, day, arrayJoin(arrayFilter(e -> e >= base, editions)) AS edition
            FROM (SELECT account, day, max(build) AS base, groupUniqArray(edition) AS editions FROM (
                SELECT account, day, edition, toUInt64(0) AS build FROM day_changes WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)}
                UNION ALL
                SELECT account, day, build AS edition, build FROM builds WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND edition NOT IN {dead:Array(UInt64)}
            ) GROUP BY account, day)
        )
            AND (kind = 'difference'
                OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date} AND day NOT IN {cut_days:Array(Date)}))
        ) AS s
        LEFT ANY JOIN (SELECT * FROM legs) AS l
            ON l.account = s.account AND l.leg = s.leg
    ) AS r
    GROUP BY account, leg, code, shape, message_segments, message_template, since
    HAVING sum(r.attempts) != 0
) AS g
LEFT ANY JOIN (SELECT account, shape, legs, codes FROM shapes) AS m
    ON m.account = g.account AND m.shape = g.shape
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
