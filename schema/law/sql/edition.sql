{{- /* Editions that were begun and not published: rows of theirs count for nobody. */ -}}
{{define "unpublished"}}SELECT edition FROM editions GROUP BY edition HAVING NOT max(published){{end}}
