{{- /* The generations that a report reads: of every bucket whose cohorts touch the period, the greatest up to the pinned one. With one
account in sight the buckets are told apart by themselves, which makes the lookup of a cell several times as fast. */ -}}
{{define "visible"}}
        SELECT {{if not .Single}}account, {{end}}bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64}
        {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
        GROUP BY {{if not .Single}}account, {{end}}bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
{{- end -}}
