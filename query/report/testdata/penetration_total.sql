WITH (account, name) -> reinterpretAsUInt128(sipHash128(account, name)) AS hash_of
SELECT
    p.tested, p.reached, count(), sum(p.messages), max(p.settled_ms)
FROM
(
    SELECT
        person, groupBitOr(m.tested) AS tested, groupBitOr(m.reached) AS reached, count() AS messages, max(m.settled_ms) AS settled_ms
    FROM
    (
        SELECT
            person, message, groupBitOr(a.tested_bit) AS tested, groupBitOr(a.reached_bit) AS reached, max(a.settles_ms) AS settled_ms
        FROM
        (
            WITH
                transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
                toUInt32(bitShiftLeft(toUInt32(1), indexOf({channels:Array(String)}, r.channel) - 1)) AS channel_bit
            SELECT
                hash_of(r.account, r.person) AS person, hash_of(r.account, r.message_id) AS message,
                -- Where deliveries are not reported nobody is tested.
                if(bitTest(route, 0), channel_bit, 0) AS tested_bit,
                if(bitTest(r.code, 1) AND NOT (sipHash128(r.account, r.channel, r.app, r.recipient) IN
        (
            SELECT sipHash128(account, channel, app, recipient)
            FROM
            (
                SELECT account, channel, app, recipient, if(status = 'subscribed', 0, occurred_ms) AS lost_ms,
                    if(status = 'subscribed', occurred_ms, 0) AS back_ms, 0 AS delivered_ms
                FROM recipient_events
                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND occurred_ms <= {as_of:Int64}
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
                                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND status != 'subscribed'
                                UNION ALL
                                SELECT account, recipient FROM attempts_by_recipient
                                WHERE error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd'))
                            )
                            AND (bitTest(code, 1) OR error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd')))
                    ) AS r
                ) AS c
            )
            GROUP BY account, channel, app, recipient
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(delivered_ms) AND max(lost_ms) >= max(back_ms)
        ) OR (r.channel IN {phone_channels:Array(String)} AND (r.account, r.recipient) IN
            (SELECT account, number FROM number_health FINAL WHERE state = 'dead'))), tested_bit, 0) AS reached_bit,
                r.cohort_ms + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_ms
            FROM
            (
                SELECT *, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort
                FROM attempts_by_recipient FINAL
                WHERE NOT bitTest(code, 6) AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
            ) AS r
        ) AS a
        GROUP BY person, message
    ) AS m
    GROUP BY person
) AS p
GROUP BY p.tested, p.reached
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
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
