WITH
    9999999999999 AS never,
    (account, name) -> reinterpretAsUInt128(sipHash128(account, name)) AS hash_of,
    -- When a person or an address was last lost to a channel, by app. It counts whatever the period and the filters. A name is one of a person (1), of
    -- an address (2) or of both (3).
    losses AS
    (
        SELECT known.1 AS name, groupArray((channel, app, known.2, lost_ms)) AS lost
        FROM
        (
            SELECT arrayJoin(if(l.contact = '', [(hash_of(l.account, l.recipient), 3)], [(hash_of(l.account, l.contact), 1), (hash_of(l.account, l.recipient), 2)])) AS known,
                l.channel AS channel, l.app AS app, max(l.at_ms) AS lost_ms
            FROM
            (
                SELECT account, recipient, contact, channel, app, occurred_ms AS at_ms
                FROM recipient_events
                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked')
                UNION ALL
                -- A token error is a loss at the time of its attempt. The codes alone leave few rows to classify.
                SELECT account, recipient, contact, channel, app, if(r.start_ms = never, r.cohort_ms, r.start_ms) AS at_ms
                FROM attempts_by_recipient AS r FINAL
                WHERE bitAnd(r.code, 8) != 0
                    AND r.error_code IN (SELECT code FROM error_map WHERE class IN {token_classes:Array(String)})
                    AND if(r.error_code = '', '',
    transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0', r.provider, '\0', r.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0*\0', r.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            ''))) IN {token_classes:Array(String)}
            ) AS l
            GROUP BY known, channel, app
        )
        GROUP BY known.1
    )
SELECT
    m.movable, m.tested, m.reached, m.people, count(), max(m.settled_ms)
FROM
(
    -- Messages. A person is counted with the first of the messages that they have here.
    SELECT
        message, groupBitOr(p.reached) AS movable,
        sumIf(p.tested, n = 1) AS tested, sumIf(p.reached, n = 1) AS reached, countIf(n = 1) AS people, max(p.settled_ms) AS settled_ms
    FROM
    (
        -- People. One is reached on a channel where one of their apps is: it was delivered to and not lost later.
        SELECT person, groupBitOr(channel_bit) AS tested,
            groupBitOrIf(channel_bit, delivered_ms > 0 AND delivered_ms >= lost_ms) AS reached,
            groupArrayArray(messages) AS messages_of, max(settled_ms) AS settled_ms
        FROM
        (
            -- People by channel and app; the empty app is one, too.
            SELECT t.person AS person, t.channel AS channel, t.app AS app,
                bitShiftLeft(toUInt128(1), 8 * (indexOf({channels:Array(String)}, channel) - 1)) AS channel_bit,
                max(t.delivered_at_ms) AS delivered_ms,
                maxIf(arrayMax(x -> if(x.1 = t.channel AND bitAnd(x.3, t.name.2) != 0 AND x.2 = t.app, x.4, 0), l.lost),
                    notEmpty(l.lost)) AS lost_ms,
                groupArrayIf(t.message, t.name.2 != 2) AS messages, max(t.settles_ms) AS settled_ms
            FROM
            (
                WITH
                    transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0)) AS route,
                    bitAnd(r.code, 2) != 0 AS delivered
                SELECT
                    r.channel AS channel, r.app AS app, hash_of(r.account, if(r.contact = '', r.recipient, r.contact)) AS person,
                    hash_of(r.account, r.message_id) AS message,
                    if(delivered, r.delivered_ms, 0) AS delivered_at_ms,
                    r.cohort_ms + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_ms,
                    -- By which names losses are looked up: who was not delivered to has nothing to lose.
                    arrayJoin(multiIf(NOT delivered, [(toUInt128(0), 0)], r.contact = '', [(person, 3)],
                        [(person, 1), (hash_of(r.account, r.recipient), 2)])) AS name
                FROM
                (
                    SELECT *, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort
                    FROM attempts_by_recipient FINAL
                    WHERE bitAnd(code, 64) = 0 AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
                ) AS r
            ) AS t
            LEFT ANY JOIN losses AS l ON l.name = t.name.1
            GROUP BY person, channel, app
        )
        GROUP BY person
    ) AS p
    ARRAY JOIN p.messages_of AS message, arrayEnumerate(p.messages_of) AS n
    GROUP BY message
) AS m
GROUP BY m.movable, m.tested, m.reached, m.people
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000, max_bytes_before_external_join = 2000000000
-- from = 0
-- to = 4294967295
-- channels = ["sms","push","viber","whatsapp","vk","ok","telegram","messenger","instagram","rcs","email","flash_call","voice"]
-- token_classes = ["app_uninstalled","token_invalid"]
-- route_other = ["sms"]
-- code_other = [49]
