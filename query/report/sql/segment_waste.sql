-- The report on wasted segments (docs/definitions.md section 4): sent SMS whose text is over a boundary by few characters, or UCS-2 for few,
-- by the keys and all that pricing must know. Legs never change, so any row of a leg serves; ANY keeps a leg that is stored twice from
-- counting twice.
WITH
    {{.Route}} AS route,
    {{template "settles_from"}} AS settles_from_ms
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments, r.sms_measure,
    -- No price changes between two borders, so any cohort in between will do.
    min(toUnixTimestamp(r.cohort)), sum(r.attempts),
    -- When the youngest cohort settles.
    {{template "settled_ms" "r.attempts"}}
FROM
(
    SELECT
        w.account AS account, w.cohort AS cohort, w.campaign AS campaign, w.template AS template, w.code AS code,
        w.sms_segments AS sms_segments, w.sms_measure AS sms_measure, w.attempts AS attempts,
        w.cohort_max_ms AS cohort_max_ms,
        'sms' AS channel, l.provider AS provider, l.operator AS operator, l.country AS country, l.traffic AS traffic, l.sender AS sender, l.app AS app
    FROM
    (
        {{- template "visible" .}}
    ) AS w
    LEFT ANY JOIN
    (
        SELECT account, leg, provider, operator, country, traffic, sender, app
        FROM legs
        WHERE channel = 'sms'{{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
    ) AS l ON l.account = w.account AND l.leg = w.leg
) AS r
{{- range $i, $f := .Filters}}
{{if $i}}    AND{{else}}WHERE{{end}} {{$f.Shown}} IN {{$f.Parameter}}
{{- end}}
GROUP BY {{range .Keys}}{{.Column}}, {{end}}r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    r.sms_measure, roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
HAVING sum(r.attempts) != 0
{{- if and .After .Keys}} AND tuple({{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}) >= tuple({{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.After}}{{end}})
{{- end}}
{{- if .Keys}}
ORDER BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}
{{- end}}
