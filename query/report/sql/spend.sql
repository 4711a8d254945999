{{- /* What attempted steps cost, each by itself (docs/definitions.md section 4, Spend report): by the keys that cells know, and by all that their price
depends on and their message's. What legs and shapes stand for is remembered (spend_steps.go). */ -}}
WITH
    -- No price changes between two borders, and no cohort settles.
    roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)}) AS since
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    r.account, r.leg, r.code,
    -- What was not sent costs nothing, whatever its message.
    if({{template "sent" "r.code"}}, r.shape, 0) AS of_shape, r.message_segments, r.message_template, since,
    sum(r.attempts), sum(if(r.computed_segments > 0, r.attempts * {{template "segments" "r.code"}}, 0)), sum(r.attempts * r.computed_segments),
    -- Currency (3 bytes) and sum (16, little-endian) of each currency in which prices were reported.
    arrayStringConcat(arrayMap((currency, micros) -> concat(currency, reinterpretAsFixedString(micros)), mapKeys(sumMap(r.reported)), mapValues(sumMap(r.reported)))),
    max(r.cohort_max_ms)
{{template "visible_rows" .}}
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
GROUP BY {{range .Keys}}{{.Column}}, {{end}}r.account, r.leg, r.code, of_shape, r.message_segments, r.message_template, since
{{- if not .Moved}}
HAVING sum(r.attempts) != 0
{{- end}}
