WITH
    dead AS
    (
        SELECT account, number, dead_from_ms, dead_to_ms, dead_rules
        FROM number_health FINAL
        WHERE notEmpty(dead_from_ms)
    ),
    transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route
SELECT
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
GROUP BY r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_join = 1000000000
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
