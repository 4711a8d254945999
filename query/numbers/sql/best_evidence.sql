{{- /* What is known of the best channels of people (docs/definitions.md section 5): attempts that were delivered or read, of the period and the filters. r is
a row of them. Whoever includes this leaves out what is_lost. */ -}}
{{define "evidence"}}
        SELECT *
        FROM attempts_by_recipient AS r FINAL
        WHERE NOT {{template "skipped" "r.code"}} AND ({{template "delivered" "r.code"}} OR {{template "read" "r.code"}})
            AND r.cohort_ms >= {from:UInt32} * 1000 AND r.cohort_ms < {to:UInt32} * 1000
        {{- range .Filters}}
            AND {{.Shown}} IN {{.Parameter}}
        {{- end}}
{{- end}}
{{define "is_evidence"}}arrayJoin(if({{template "read" "r.code"}}, [0, 1], [0])) AS is_read{{end}}
{{define "evidence_ms"}}if(is_read = 1, r.read_ms, r.delivered_ms){{end}}
{{- /* As a tariff by the segment bills them: the attempt's own, else those of its message. */ -}}
{{define "billed"}}if({{template "segments" "r.code"}} > 0, {{template "segments" "r.code"}}, r.sms_segments){{end}}
