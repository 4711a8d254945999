{{- /* The cells of a rollup that a statement reads, as rows that add up (schema/migrations/00011_editions.sql): of each account and day the sums of its
newest build, and what later editions changed. Days that the report may take as wholes come from sums of days, all others from those of quarter hours. What
decides is in visible.go; parameters: edition, from, to, and with sums of days whole_from, whole_to, cut_days and now_quarter. */ -}}
{{define "visible"}}
{{- if .Sums}}
        {{if .Split}}WITH {{.Route}} AS route
        {{end}}SELECT r.* FROM {{.Rollup}} AS r
        WHERE kind = '{{.Sums}}' AND day >= {whole_from:Date} AND day < {whole_to:Date}{{if .Cuts}} AND day NOT IN {cut_days:Array(Date)}{{end}}
            {{- if .Split}} AND NOT ({{template "split" .}}){{end}}
            AND {{template "built" .}}
        UNION ALL
{{- end}}
        {{if and .Sums .Split}}WITH {{.Route}} AS route
        {{end}}SELECT r.* FROM {{.Rollup}} AS r
        WHERE kind = 'quarter' AND {{template "period" "r."}}
            {{- if .Sums}}
            AND (day < {whole_from:Date} OR day >= {whole_to:Date}{{if .Cuts}} OR day IN {cut_days:Array(Date)}{{end}}{{if .Split}} OR {{template "split" .}}{{end}})
            {{- end}}
            AND {{template "built" .}}
        UNION ALL
        SELECT r.* FROM {{.Rollup}} AS r
        LEFT ANY JOIN ({{template "builds" .}}) AS b ON {{if not .Single}}b.account = r.account AND {{end}}b.day = r.day
        WHERE r.kind = 'difference' AND {{template "period" "r."}}{{if .Accounts}} AND r.account IN {filter_account:Array(String)}{{end}}
            AND r.edition <= {edition:UInt64} AND r.edition > b.newest AND r.edition NOT IN ({{template "dead"}})
{{- end -}}

{{- /* The rows are of the newest build of their day. */ -}}
{{define "built"}}{{if .Accounts}}account IN {filter_account:Array(String)} AND {{end -}}
({{if not .Single}}account, {{end}}day, edition) IN ({{template "builds" .}}){{end -}}

{{define "builds"}}
            SELECT {{if not .Single}}account, {{end}}day, max(build) AS newest FROM builds
            WHERE build <= {edition:UInt64} AND build NOT IN ({{template "dead"}}) AND {{template "days" ""}}
                {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
            GROUP BY {{if not .Single}}account, {{end}}day
        {{end -}}

{{- /* Editions that were begun and never published. */ -}}
{{define "dead"}}SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published){{end -}}

{{define "days"}}{{.}}day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND {{.}}day <= toDate(toDateTime({to:UInt32}, 'UTC')){{end -}}
{{define "period"}}{{template "days" .}} AND {{.}}cohort >= toDateTime({from:UInt32}, 'UTC') AND {{.}}cohort < toDateTime({to:UInt32}, 'UTC'){{end -}}

{{- /* The row's day holds the border between the cohorts of its route that are settled and those that are not. */ -}}
{{define "split"}}intDiv({now_quarter:Int64} - ({{template "settles_ms" "0"}}), {{dayMS}}) = toUInt16(r.day){{end -}}

{{- /* When the youngest cohort of a row settles that is not settled yet, 0 where there is none. Differences may take away what was counted, so cohorts
matter by what is left of them: those of younger quarter hours than the one that settles at present by their count {{.}}, and of this one, where there is
something left, the youngest. */ -}}
{{define "settles_from"}}{{template "settles_ms" "toInt64(toUnixTimestamp(r.cohort)) * 1000"}}{{end -}}
{{define "settled_ms"}}greatest(
        if(sumIf({{.}}, settles_from_ms > {now_quarter:Int64}) > 0, maxIf({{template "settles_ms" "r.cohort_max_ms"}}, settles_from_ms > {now_quarter:Int64}), 0),
        if(sumIf({{.}}, settles_from_ms = {now_quarter:Int64}) > 0, maxIf({{template "settles_ms" "r.cohort_max_ms"}}, settles_from_ms = {now_quarter:Int64}), 0))
{{- end -}}
