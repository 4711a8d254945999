-- The cells of the savings report (docs/definitions.md section 4): messages of visible cells, counted by pricing signature (table
-- shapes). One row for each group and each set of conditions that pricing depends on (cells.go); cells holds its signatures, 40 bytes each: shape,
-- messages, reported_micros (16 bytes) and cohort_max_ms, all little-endian. Packed, because reading a row per signature takes longer than all the rest.
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
{{- if not .Single}}
    account,
{{- end}}
    conditions,
    arrayStringConcat(groupArray(concat(reinterpretAsFixedString(shape), reinterpretAsFixedString(messages),
        reinterpretAsFixedString(reported_micros), reinterpretAsFixedString(cohort_max_ms)))) AS cells
FROM
(
    SELECT
    {{- range .Keys}}
        {{.Cell}} AS {{.Column}},
    {{- end}}
    {{- if not .Single}}
        r.account AS account,
    {{- end}}
        {{.Conditions}} AS conditions,
        r.shape AS shape, sum(r.messages) AS messages, sum(r.reported_micros) AS reported_micros, max(r.cohort_max_ms) AS cohort_max_ms
    {{template "visible_rows" .}}
{{- range .Filters}}
        AND {{.Shown}} IN {{.Parameter}}
{{- end}}
    GROUP BY {{range .Keys}}{{.Column}}, {{end}}{{if not .Single}}account, {{end}}conditions, shape
    HAVING sum(r.messages) != 0 OR sum(r.reported_micros) != 0
)
GROUP BY {{range .Keys}}{{.Column}}, {{end}}{{if not .Single}}account, {{end}}conditions
{{- if not .Keys}}, bitAnd(shape, 15) -- So that no row is larger than it need be.{{end}}
