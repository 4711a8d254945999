{{- /* The penetration report (docs/definitions.md section 5). People and messages are known by a hash of 128 bits, of which two never meet; what is
known of the channels of a person is a number with a bit per channel, in the order of parameter channels. A message goes to one person, so messages
are counted by people. Everything is a GROUP BY, which goes to disk where memory ends. External table: error_map. */ -}}
WITH (account, name) -> reinterpretAsUInt128(sipHash128(account, name)) AS hash_of
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    p.tested, p.reached, count(), sum(p.messages), max(p.settled_ms)
FROM
(
    SELECT{{range .Keys}} {{.Column}},{{end}}
        person, groupBitOr(m.tested) AS tested, groupBitOr(m.reached) AS reached, count() AS messages, max(m.settled_ms) AS settled_ms
    FROM
    (
        SELECT{{range .Keys}} {{.Column}},{{end}}
            person, message, groupBitOr(a.tested_bit) AS tested, groupBitOr(a.reached_bit) AS reached, max(a.settles_ms) AS settled_ms
        FROM
        (
            WITH
                {{.Route}} AS route,
                toUInt32(bitShiftLeft(toUInt32(1), indexOf({channels:Array(String)}, r.channel) - 1)) AS channel_bit
            SELECT
            {{- range .Keys}}
                {{.Cell}} AS {{.Column}},
            {{- end}}
                hash_of(r.account, r.person) AS person, hash_of(r.account, r.message_id) AS message,
                -- Where deliveries are not reported nobody is tested.
                if({{template "reports_deliveries" "route"}}, channel_bit, 0) AS tested_bit,
                if({{template "delivered" "r.code"}} AND NOT {{template "is_lost" .}}, tested_bit, 0) AS reached_bit,
                {{template "settles_ms" "r.cohort_ms"}} AS settles_ms
            FROM
            (
                SELECT *, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort
                FROM attempts_by_recipient FINAL
                WHERE NOT {{template "skipped" "code"}} AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
                    {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
            ) AS r
            {{- range $i, $f := .Filters}}
            {{if $i}}    AND{{else}}WHERE{{end}} {{$f.Shown}} IN {{$f.Parameter}}
            {{- end}}
        ) AS a
        GROUP BY{{range .Keys}} {{.Column}},{{end}} person, message
    ) AS m
    GROUP BY{{range .Keys}} {{.Column}},{{end}} person
) AS p
GROUP BY{{range .Keys}} {{.Column}},{{end}} p.tested, p.reached
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
