{{- /* Failed attempts of visible generations by the keys, and by what the class of an error code depends on (schema.ErrorMaps). */ -}}
WITH
    {{.Route}} AS route
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    r.account, r.channel, r.provider, r.error_code, r.expired, sum(r.failed),
    -- When the youngest cohort settles.
    max({{template "settles_ms" "r.cohort_max_ms"}})
FROM rollup_failures AS r
WHERE r.cohort >= toDateTime({from:UInt32}, 'UTC') AND r.cohort < toDateTime({to:UInt32}, 'UTC')
    AND (r.account, r.bucket, r.generation) IN
    (
    {{- template "visible" .}}
    )
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
GROUP BY {{range .Keys}}{{.Column}}, {{end}}r.account, r.channel, r.provider, r.error_code, r.expired
