WITH
    {after_account:String} AS after_account, {after_person:String} AS after_person,
    evidence AS
    (
        SELECT *
        FROM attempts_by_recipient AS r FINAL
        WHERE NOT bitTest(r.code, 6) AND (bitTest(r.code, 1) OR bitTest(r.code, 2))
            AND r.cohort_ms >= {from:UInt32} * 1000 AND r.cohort_ms < {to:UInt32} * 1000
            AND r.account >= after_account AND (r.account > after_account OR r.person > after_person)
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
    )
SELECT account, person, best,
    candidates.1, candidates.2, candidates.3, candidates.4, candidates.5, candidates.6, candidates.7, candidates.8, candidates.9, candidates.10
FROM
(
    SELECT account, person, max(is_read) AS best,
        arrayFilter(c -> c.1 = best OR c.2 = 'sms',
            groupArray((is_read, toString(channel), latest.1, latest.2, latest.3, latest.4, latest.5, latest.6, latest.7, latest.8))) AS candidates
    FROM
    (
        SELECT r.account AS account, r.person AS person, r.channel AS channel, arrayJoin(if(bitTest(r.code, 2), [0, 1], [0])) AS is_read,
            argMax((r.recipient, toString(r.provider), toString(r.operator), toString(r.country), toString(r.traffic),
                    toString(r.sender), toString(r.app), if(toUInt16(bitShiftRight(r.code, 8)) > 0, toUInt16(bitShiftRight(r.code, 8)), r.sms_segments)),
                (if(is_read = 1, r.read_ms, r.delivered_ms), r.message_id, r.step)) AS latest
        FROM evidence AS r
        -- The people of the page are found first, for that takes a fifth of what is known of everybody.
        WHERE (r.account, r.person) IN (SELECT DISTINCT account, person FROM evidence ORDER BY account, person LIMIT {limit:UInt32})
        GROUP BY account, person, channel, is_read
    )
    GROUP BY account, person
)
ORDER BY account, person
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_sort = 1000000000
-- from = 0
-- to = 4294967295
-- after_account = ""
-- after_person = ""
-- limit = 1001
-- as_of = 0
-- phone_channels = ["sms","flash_call","voice"]
