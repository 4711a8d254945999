{{- /* When the youngest cohort of each group settles, by days where some are wanted. */ -}}
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
    {{if .Wanted}}toUInt16(r.day){{else}}toUInt16(0){{end}} AS on_day,
    {{template "at_present"}} AS settling, {{template "settling_of" "r.attempted"}}
FROM
(
    {{- template "visible" .}}
) AS r
WHERE 1
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
GROUP BY on_day, settling{{range .Keys}}, {{.Column}}{{end}}
HAVING sum(r.attempted) != 0
