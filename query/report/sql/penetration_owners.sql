{{- /* Part of penetration_counts.sql where accounts have routes of their own: on some ways whether deliveries are reported depends on whose attempt it is. */ -}}
{{define "reports"}}(r.way IN {silent:Array(String)}) = if(r.way IN {mixed:Array(String)}, concat(r.account, '\0', r.way) IN {others:Array(String)}, 0){{end}}
