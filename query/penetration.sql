{{- /* The penetration report (docs/definitions.md section 5). People and messages are known by a hash of 128 bits, of which two never meet; what is
known of the channels of a person is a number with a byte per channel, in the order of parameter channels, so that one sum adds up people of all
channels: a message has 32 steps at most, and no byte overflows. Everything is a GROUP BY, which goes to disk where memory ends.
External table: error_map (schema.MappedClassSQL). */ -}}
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
                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked'){{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
                UNION ALL
                -- A token error is a loss at the time of its attempt. The codes alone leave few rows to classify.
                SELECT account, recipient, contact, channel, app, if(r.start_ms = never, r.cohort_ms, r.start_ms) AS at_ms
                FROM attempts_by_recipient AS r FINAL
                WHERE bitAnd(r.code, 8) != 0{{if .Accounts}} AND r.account IN {filter_account:Array(String)}{{end}}
                    AND r.error_code IN (SELECT code FROM error_map WHERE class IN {token_classes:Array(String)})
                    AND {{.Class}} IN {token_classes:Array(String)}
            ) AS l
            GROUP BY known, channel, app
        )
        GROUP BY known.1
    )
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    m.movable, m.tested, m.reached, m.people, count(), max(m.settled_ms)
FROM
(
    -- Messages. A person is counted with the first of the messages that they have here.
    SELECT{{range .Keys}} p.{{.Column}} AS {{.Column}},{{end}}
        message, groupBitOr(p.reached) AS movable,
        sumIf(p.tested, n = 1) AS tested, sumIf(p.reached, n = 1) AS reached, countIf(n = 1) AS people, max(p.settled_ms) AS settled_ms
    FROM
    (
        -- People. One is reached on a channel where one of their apps is: it was delivered to and not lost later.
        SELECT{{range .Keys}} {{.Column}},{{end}} person, groupBitOr(channel_bit) AS tested,
            groupBitOrIf(channel_bit, delivered_ms > 0 AND delivered_ms >= lost_ms) AS reached,
            groupArrayArray(messages) AS messages_of, max(settled_ms) AS settled_ms
        FROM
        (
            -- People by channel and app; the empty app is one, too.
            SELECT{{range .Keys}} t.{{.Column}} AS {{.Column}},{{end}} t.person AS person, t.channel AS channel, t.app AS app,
                bitShiftLeft(toUInt128(1), 8 * (indexOf({channels:Array(String)}, channel) - 1)) AS channel_bit,
                max(t.delivered_at_ms) AS delivered_ms,
                maxIf(arrayMax(x -> if(x.1 = t.channel AND bitAnd(x.3, t.name.2) != 0 AND x.2 = t.app, x.4, 0), l.lost),
                    notEmpty(l.lost)) AS lost_ms,
                groupArrayIf(t.message, t.name.2 != 2) AS messages, max(t.settles_ms) AS settled_ms
            FROM
            (
                WITH
                    {{.Route}} AS route,
                    bitAnd(r.code, 2) != 0 AS delivered
                SELECT
                {{- range .Keys}}
                    {{.Cell}} AS {{.Column}},
                {{- end}}
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
                        {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
                ) AS r
                {{- range $i, $f := .Filters}}
                {{if $i}}    AND{{else}}WHERE{{end}} {{$f.Shown}} IN {{$f.Parameter}}
                {{- end}}
            ) AS t
            LEFT ANY JOIN losses AS l ON l.name = t.name.1
            GROUP BY{{range .Keys}} {{.Column}},{{end}} person, channel, app
        )
        GROUP BY{{range .Keys}} {{.Column}},{{end}} person
    ) AS p
    ARRAY JOIN p.messages_of AS message, arrayEnumerate(p.messages_of) AS n
    GROUP BY{{range .Keys}} {{.Column}},{{end}} message
) AS m
GROUP BY{{range .Keys}} {{.Column}},{{end}} m.movable, m.tested, m.reached, m.people
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000, max_bytes_before_external_join = 2000000000
