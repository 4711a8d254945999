{{- /* Failed attempts of visible cells by the keys, by days where some are wanted, and by what the class of an error code depends on (schema.ErrorMaps). */ -}}
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
    r.account, r.channel, r.provider, r.error_code, r.expired, {{if .Wanted}}toUInt16(r.day){{else}}toUInt16(0){{end}} AS on_day,
    {{template "at_present"}} AS settling, sum(r.failed),
    {{template "settling_of" "r.failed"}}
{{template "visible_rows" .}}
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
GROUP BY {{range .Keys}}{{.Column}}, {{end}}r.account, r.channel, r.provider, r.error_code, r.expired, on_day, settling
HAVING sum(r.failed) != 0
