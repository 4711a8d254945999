WITH
    -- An even number stands for a person: of 127 bits two never meet.
    name -> bitShiftLeft(reinterpretAsUInt128(sipHash128(name)), 1) AS person_key,
    attempts_read AS
    (
        SELECT *
        FROM attempts_by_recipient FINAL
        WHERE account = {account:String} AND NOT bitTest(code, 6) AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
    ),
    -- Messages of the period. A message goes to one person.
    messages AS
    (
        WITH
            transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))) AS route,
            r.channel = {channel:String} AS here,
            here AND bitTest(route, 0) AS here_reported,
            r.channel = 'sms' AS as_sms
        SELECT
            min(r.cohort_ms) AS cohort_ms, max(person_key(r.person)) AS person,
            max(r.template) AS template, max(r.country) AS country, max(r.traffic) AS traffic, max(r.sender) AS sender,
            argMinIf((r.provider, r.operator, r.country, r.traffic, r.sender, r.app), r.step, as_sms) AS sms_step,
            max(here) AS by_channel, max(as_sms) AS by_sms,
            max(r.sms_segments) AS text_segments,
            if(text_segments > 0, text_segments, maxIf(toUInt16(bitShiftRight(r.code, 8)), as_sms)) AS own_segments,
            countIf(here_reported AND bitTest(r.code, 0)) AS sent, countIf(here_reported AND bitTest(r.code, 1)) AS delivered,
            max(r.cohort_ms + toInt64(bitShiftRight(route, 4)) * 86400000) AS settled_ms
        FROM attempts_read AS r
        GROUP BY sipHash128(r.message_id)
    ),
    -- Everybody who was tried on the channel where it reports deliveries, and, one more than their number, who was reached and is not lost.
    tested AS
    (
        WITH transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))) AS route
        SELECT arrayJoin(if(max(bitTest(r.code, 1) AND NOT (sipHash128(r.account, r.channel, r.app, r.recipient) IN
        (
            SELECT sipHash128(account, channel, app, recipient)
            FROM
            (
                SELECT account, channel, app, recipient, if(status = 'subscribed', 0, occurred_ms) AS lost_ms,
                    if(status = 'subscribed', occurred_ms, 0) AS back_ms, 0 AS delivered_ms
                FROM recipient_events
                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND account IN {filter_account:Array(String)} AND channel = {channel:String} AND occurred_ms <= {as_of:Int64}
                UNION ALL
                WITH
                    multiIf(class IN ('blocked_by_user', 'opted_out', 'dnd'), code_ms,
                            class IN ('app_uninstalled', 'token_invalid') AND bitTest(code, 3), started_ms,
                            0) AS told_ms
                SELECT account, channel, app, recipient, if(told_ms <= {as_of:Int64}, told_ms, 0) AS lost_ms,
                    0 AS back_ms, if(bitTest(code, 1), c.delivered_ms, 0) AS delivered_ms
                FROM
                (
                    -- The class is a large expression, so it stands here once.
                    SELECT account, channel, app, recipient, code, delivered_ms, if(r.error_code = '', if(r.expired = 1, 'expired', 'unknown'),
    transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0', r.provider, '\0', r.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0*\0', r.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            transform(concat('\0', transform(r.channel, ['sms', 'flash_call', 'voice'], ['map', 'q850', 'q850'], ''), '\0', r.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    'unknown')))) AS class,
                        if(r.error_ms > 0, r.error_ms, if(r.start_ms = 9999999999999, r.cohort_ms, r.start_ms)) AS code_ms, if(r.start_ms = 9999999999999, r.cohort_ms, r.start_ms) AS started_ms
                    FROM
                    (
                        SELECT account, channel, app, recipient, provider, error_code, error_ms, expired, start_ms, cohort_ms,
                            code, delivered_ms
                        FROM attempts_by_recipient FINAL
                        WHERE (account, recipient) IN
                            (
                                SELECT account, recipient FROM recipient_events
                                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND account IN {filter_account:Array(String)} AND channel = {channel:String} AND status != 'subscribed'
                                UNION ALL
                                SELECT account, recipient FROM attempts_by_recipient
                                WHERE error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd')) AND account IN {filter_account:Array(String)} AND channel = {channel:String}
                            )
                            AND (bitTest(code, 1) OR error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd'))) AND account IN {filter_account:Array(String)} AND channel = {channel:String}
                    ) AS r
                ) AS c
            )
            GROUP BY account, channel, app, recipient
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(delivered_ms) AND max(lost_ms) >= max(back_ms)
        ) OR (r.channel IN {phone_channels:Array(String)} AND (r.account, r.recipient) IN
            (SELECT account, number FROM number_health FINAL WHERE state = 'dead' AND account IN {filter_account:Array(String)})))), [person_key(r.person), person_key(r.person) + 1], [person_key(r.person)]))
        FROM attempts_read AS r
        WHERE r.channel = {channel:String} AND bitTest(route, 0)
        GROUP BY r.person
    )
SELECT
    template,
    -- 0 tried on the channel already, 1 without an SMS, 2 an SMS that could move.
    multiIf(m.by_channel, 0, NOT m.by_sms, 1, 2) AS kind,
    if(kind = 2, m.own_segments, 0) AS segments,
    -- The segments of templates are constant from here to the next border.
    if(kind = 2 AND m.own_segments = 0, roundDown(toUInt32(intDiv(m.cohort_ms, 1000)), {borders:Array(UInt32)}), 0) AS since,
    count(),
    countIf(m.found > 0),
    countIf(m.found = 2),
    -- Attempts to people who were reached: being reached is not discounted twice.
    sumIf(m.sent, m.found = 2), sumIf(m.delivered, m.found = 2),
    min(m.cohort_ms), max(m.cohort_ms), max(m.settled_ms),
    uniqExact(m.person), uniqExactIf(m.person, m.found > 0), uniqExactIf(m.person, m.found = 2)
FROM
(
    SELECT *, length(arrayFilter(p -> p IN tested, [person, person + 1])) AS found
    FROM messages
) AS m
GROUP BY template, kind, segments, since WITH TOTALS
-- A message takes some hundred bytes while it is put together: beyond this they go to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
-- account = "x' OR '1'='1 {id:String}"
-- filter_account = ["x' OR '1'='1 {id:String}"]
-- channel = "push"
-- from = 1760572800
-- to = 1795136400
-- as_of = 1795136400000
-- phone_channels = ["sms","flash_call","voice"]
-- borders = [0]
-- route_other = ["push"]
-- code_other = [19]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
