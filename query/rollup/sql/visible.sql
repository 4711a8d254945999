{{- /* The cells of a rollup that a statement reads, as rows that add up (schema/migrations/00011_editions.sql): of each account and day the sums of its
newest build, and what later editions changed. Days that the report may take as wholes come from sums of days, all others from those of quarter hours. What
decides is in visible.go. Of one account the builds of days are known beforehand; of several they are joined, which takes as long for many editions as for
few. */ -}}
{{define "visible"}}
        {{if or .Split (and .Routed .Wanted)}}WITH {{.Route}} AS route
        {{end}}SELECT r.* {{template "visible_rows" .}}
{{- end -}}

{{- /* The same as a part of the statement that reads it, as r: to plan a statement takes longer than to run it, and half
as long without a SELECT around it. Of rollups that are routed the statement names route. */ -}}
{{define "visible_rows"}}FROM {{.Rollup}} AS r
        {{- if .Moved}}
        -- What editions changed of days, each day from another edition on.
        WHERE {{template "days" .}} AND kind = 'difference' AND {{template "in_period" .}} AND day IN {wanted_days:Array(Date)}
            AND edition > {least:UInt64} AND edition <= {most:UInt64}{{if .Dead}} AND edition NOT IN {dead_between:Array(UInt64)}{{end}}
            AND edition > transform(day, {wanted_days:Array(Date)}, {above:Array(UInt64)}, {most:UInt64})
            AND edition <= transform(day, {wanted_days:Array(Date)}, {up_to:Array(UInt64)}, {least:UInt64})
        {{- else}}
        {{- if not .Single}}
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE {{template "days" .}} AND build <= {edition:UInt64}{{if .Dead}} AND build NOT IN {dead:Array(UInt64)}{{end}}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        {{- end}}
        WHERE {{template "days" .}} AND {{template "known" .}} AND {{template "in_period" .}}
        {{- if .Wanted}} AND {{template "wanted" .}}{{end}}
        {{- if .Sums}}
            AND (kind = 'difference' OR kind = '{{.Sums}}' AND {{template "whole" .}}
                OR kind = 'quarter' AND NOT ({{template "whole" .}}){{template "apart" .}})
        {{- else}}
            AND kind IN ('difference', 'quarter')
        {{- end}}
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > {{template "base" .}}, edition = {{template "base" .}})
        {{- end}}
{{- end -}}

{{define "in_period"}}cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC'){{end -}}

{{- /* The rows of some days: without the cohorts that settle at present, or these alone. */ -}}
{{define "wanted"}}
    {{- if and .Whole .Part}}(day IN {wanted_days:Array(Date)} AND NOT ({{template "settling" .}}) OR day IN {settling_days:Array(Date)} AND {{template "settling" .}})
    {{- else if .Part}}day IN {settling_days:Array(Date)} AND {{template "settling" .}}
    {{- else if .Whole}}day IN {wanted_days:Array(Date)} AND NOT ({{template "settling" .}})
    {{- else}}0{{end}}
{{- end -}}
{{define "settling"}}toUnixTimestamp(cohort) IN {settling_quarters:Array(UInt32)}
    {{- if .Routed}} AND {{template "settles_ms" "toInt64(toUnixTimestamp(cohort)) * 1000"}} = {now_quarter:Int64}{{end}}
{{- end -}}

{{define "base"}}{{if .Single}}transform(day, {base_days:Array(Date)}, {base_editions:Array(UInt64)}, toUInt64(0)){{else}}base{{end}}{{end -}}

{{- /* The edition was published when the reader began; those that died never were. */ -}}
{{define "known"}}edition <= {edition:UInt64}{{if .Dead}} AND edition NOT IN {dead:Array(UInt64)}{{end}}{{end -}}
{{define "days"}}{{if .Accounts}}account IN {filter_account:Array(String)} AND {{end -}}
day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')){{end -}}

{{- /* The row's day may be read as a whole. It may not where it holds the border between the cohorts of its route that are settled and those that are
not. */ -}}
{{define "whole"}}day >= {whole_from:Date} AND day < {whole_to:Date}{{if .Cuts}} AND day NOT IN {cut_days:Array(Date)}{{end}}
    {{- if .Split}} AND intDiv({now_quarter:Int64} - ({{template "settles_ms" "0"}}), {{dayMS}}) != toUInt16(day){{end}}{{end -}}

{{- /* What is no whole is of these days alone: the index knows days, and not on which a route settles. */ -}}
{{define "apart"}}
    {{- if .Split}} AND (day < {whole_from:Date} OR day >= {whole_to:Date} OR day IN {apart_days:Array(Date)}){{end}}{{end -}}

{{- /* When the youngest cohort of a row settles that is not settled yet, 0 where there is none. Differences may take away what was counted, so cohorts
matter by what is left of them: those of younger quarter hours than the one that settles at present by their count {{.}}, and of this one, where there is
something left, the youngest. */ -}}
{{define "settles_from"}}{{template "settles_ms" "toInt64(toUnixTimestamp(r.cohort)) * 1000"}}{{end -}}
{{define "settled_ms"}}greatest(
        if(sumIf({{.}}, settles_from_ms > {now_quarter:Int64}) > 0, maxIf({{template "settles_ms" "r.cohort_max_ms"}}, settles_from_ms > {now_quarter:Int64}), 0),
        if(sumIf({{.}}, settles_from_ms = {now_quarter:Int64}) > 0, maxIf({{template "settles_ms" "r.cohort_max_ms"}}, settles_from_ms = {now_quarter:Int64}), 0))
{{- end -}}

{{- /* Of rows that all settle at present, or none: how many are left of {{.}} that are not settled, and when the youngest of them does (Settling in days.go).
The first says which rows those are. */ -}}
{{define "at_present"}}settles_from_ms = {now_quarter:Int64}{{end -}}
{{define "settling_of"}}sumIf({{.}}, settles_from_ms >= {now_quarter:Int64}), maxIf({{template "settles_ms" "r.cohort_max_ms"}}, settles_from_ms >= {now_quarter:Int64}){{end -}}
