{{- /* What attempted steps cost, each by itself (docs/definitions.md section 4, Spend report): by the keys, and by all that their price depends on and
their message's. Legs never change, so any row of a leg serves; ANY keeps one that is stored twice from counting twice. */ -}}
WITH
    {{.Route}} AS route,
    {{template "settles_from"}} AS settles_from_ms
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    g.{{.Name}},
{{- end}}
    g.account, g.leg, g.code, g.message_segments, g.message_template, g.since, g.attempts, g.billed_segments, g.computed_segments,
    -- Currency (3 bytes) and sum (16, little-endian) of each currency in which prices were reported.
    arrayStringConcat(arrayMap((currency, micros) -> concat(currency, reinterpretAsFixedString(micros)), mapKeys(g.reported), mapValues(g.reported))),
    -- Leg (8 bytes, little-endian) and code (4) of each attempted step of the message.
    arrayStringConcat(arrayMap((leg, code) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code)), m.legs, m.codes)),
    g.settled_ms
FROM
(
    SELECT
    {{- range .Keys}}
        {{.Shown}} AS {{.Name}},
    {{- end}}
        r.account AS account, r.leg AS leg, r.code AS code,
        -- What was not sent costs nothing, whatever its message.
        if({{template "sent" "r.code"}}, r.shape, 0) AS shape, r.message_segments AS message_segments, r.message_template AS message_template,
        -- No price changes between two borders.
        roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)}) AS since,
        sum(r.attempts) AS attempts, sum(if(r.computed_segments > 0, r.attempts * {{template "segments" "r.code"}}, 0)) AS billed_segments,
        sum(r.attempts * r.computed_segments) AS computed_segments, sumMap(r.reported) AS reported,
        -- When the youngest cohort settles.
        {{template "settled_ms" "r.attempts"}} AS settled_ms
    FROM
    (
        SELECT s.*, l.channel AS channel, l.provider AS provider, l.operator AS operator, l.country AS country, l.traffic AS traffic,
            l.sender AS sender, l.app AS app, l.trigger AS trigger
        FROM
        (
        {{- template "visible" .}}
        ) AS s
        LEFT ANY JOIN (SELECT * FROM legs{{if .Accounts}} WHERE account IN {filter_account:Array(String)}{{end}}) AS l
            ON l.account = s.account AND l.leg = s.leg
    ) AS r
{{- range $i, $f := .Filters}}
    {{if $i}}    AND{{else}}WHERE{{end}} {{$f.Shown}} IN {{$f.Parameter}}
{{- end}}
    GROUP BY {{range .Keys}}{{.Column}}, {{end}}account, leg, code, shape, message_segments, message_template, since
    HAVING sum(r.attempts) != 0
) AS g
LEFT ANY JOIN (SELECT account, shape, legs, codes FROM shapes{{if .Accounts}} WHERE account IN {filter_account:Array(String)}{{end}}) AS m
    ON m.account = g.account AND m.shape = g.shape
{{define "legs"}}
SELECT account, leg, channel, provider, operator, country, traffic, sender, app, trigger, currencies
FROM legs
{{- if .Accounts}}
WHERE account IN {filter_account:Array(String)}
{{- end}}
{{end -}}
