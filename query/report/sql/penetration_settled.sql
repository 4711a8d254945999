-- When the youngest cohort of each group settles.
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
    {{template "settled_ms" "r.attempted"}}
FROM
(
    {{- template "visible" .}}
) AS r
WHERE 1
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
{{- if .Keys}}
GROUP BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Column}}{{end}}
HAVING sum(r.attempted) != 0
{{- end}}
