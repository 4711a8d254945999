{{- /* Part of penetration_counts.sql where nothing of the period was changed since its days were summed (penetration_seen.sql): there is nothing to take
away. */ -}}
{{define "changed"}}-- Nothing was changed since.{{end}}
