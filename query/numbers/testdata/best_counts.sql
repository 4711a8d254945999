SELECT account, best, candidates.1, candidates.2, candidates.3, count()
FROM
(
    SELECT account, person, max(is_read) AS best,
        arraySort(arrayFilter(c -> c.1 = best OR c.2 = 'sms', groupArray((is_read, toString(channel), latest)))) AS candidates
    FROM
    (
        SELECT r.account AS account, r.person AS person, r.channel AS channel, arrayJoin(if(bitTest(r.code, 2), [0, 1], [0])) AS is_read,
            -- Both are one text each, for tuples take three times as long. What is compared are the time, big-endian, the
            -- message, whose end comes before any of its bytes, and the step.
            argMax(concat(reinterpretAsFixedString(toUInt16(if(toUInt16(bitShiftRight(r.code, 8)) > 0, toUInt16(bitShiftRight(r.code, 8)), r.sms_segments))), reinterpretAsFixedString(toUInt16(length(r.provider))), r.provider,
                    reinterpretAsFixedString(toUInt16(length(r.operator))), r.operator, reinterpretAsFixedString(toUInt16(length(r.country))), r.country,
                    reinterpretAsFixedString(toUInt16(length(r.traffic))), r.traffic, reinterpretAsFixedString(toUInt16(length(r.sender))), r.sender,
                    reinterpretAsFixedString(toUInt16(length(r.app))), r.app),
                concat(reinterpretAsFixedString(byteSwap(toUInt64(if(is_read = 1, r.read_ms, r.delivered_ms)))),
                    replaceAll(r.message_id, '\0', '\0\xFF'), '\0\0', char(r.step))) AS latest
        FROM
        (
        SELECT *
        FROM attempts_by_recipient AS r FINAL
        WHERE NOT bitTest(r.code, 6) AND (bitTest(r.code, 1) OR bitTest(r.code, 2))
            AND r.cohort_ms >= {from:UInt32} * 1000 AND r.cohort_ms < {to:UInt32} * 1000
            AND NOT (sipHash128(r.account, r.channel, r.app, r.recipient) IN
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
            (SELECT account, number FROM number_health FINAL WHERE state = 'dead')))
        ) AS r
        GROUP BY account, person, channel, is_read
    )
    GROUP BY account, person
)
GROUP BY account, best, candidates
SETTINGS max_bytes_before_external_group_by = 1000000000
-- from = 0
-- to = 4294967295
-- as_of = 0
-- phone_channels = ["sms","flash_call","voice"]
