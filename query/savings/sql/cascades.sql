{{- /* The cells of cascades that a savings report reads, as r. With days, the sums of whole UTC days stand for the cells of the buckets that
they were made from: those of cohorts on days that neither the period nor a price list cuts, the cells themselves for all others. External table: built,
the days of buckets whose sums are of the visible generations. It is read beforehand, because days are summed and forgotten all the time, and each must be
counted by exactly one of the two. */ -}}
{{define "cascades"}}
{{- if .Days}}(
        SELECT {{if not .Single}}account, {{end}}toDateTime(cohort_day, 'UTC') AS cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms
        FROM rollup_cascade_days
        WHERE ({{if .Single}}account IN {filter_account:Array(String)} AND (day, build) IN (SELECT day, build FROM built){{else}}(account, day, build) IN (SELECT account, day, build FROM built){{end}})
            AND cohort_day >= {whole_from:Date} AND cohort_day < {whole_to:Date}{{if .Cuts}} AND cohort_day NOT IN {cut_days:Array(Date)}{{end}}
        UNION ALL
        SELECT {{if not .Single}}account, {{end}}cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms
        FROM rollup_cascades
        WHERE cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND {{if .Single}}account IN {filter_account:Array(String)} AND (bucket, generation) IN{{else}}(account, bucket, generation) IN{{end}}
            (
            SELECT {{if not .Single}}account, {{end}}bucket, newest
            FROM
            (
                SELECT {{if not .Single}}account, {{end}}bucket, max(generation) AS newest, argMax(cohort_min_ms, generation) AS min_ms, argMax(cohort_max_ms, generation) AS max_ms
                FROM generations
                WHERE generation <= {generation:UInt64}
                {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
                GROUP BY {{if not .Single}}account, {{end}}bucket
                HAVING max_ms >= {from:UInt32} * 1000 AND min_ms < {to:UInt32} * 1000
            )
            WHERE {{template "unbuilt" .}} OR
                min_ms < toInt64(toUnixTimestamp(toDateTime({whole_from:Date}, 'UTC'))) * 1000 OR max_ms >= toInt64(toUnixTimestamp(toDateTime({whole_to:Date}, 'UTC'))) * 1000
                {{- if .Cuts}} OR arrayExists(day -> toDate(fromUnixTimestamp64Milli(min_ms, 'UTC')) <= day AND toDate(fromUnixTimestamp64Milli(max_ms, 'UTC')) >= day, {cut_days:Array(Date)}){{end}}
            )
            AND ({{template "unbuilt" .}} OR
                cohort < toDateTime({whole_from:Date}, 'UTC') OR cohort >= toDateTime({whole_to:Date}, 'UTC')
                {{- if .Cuts}} OR toDate(cohort) IN {cut_days:Array(Date)}{{end}})
    ) AS r
{{- else}}rollup_cascades AS r
    WHERE r.cohort >= toDateTime({from:UInt32}, 'UTC') AND r.cohort < toDateTime({to:UInt32}, 'UTC')
        AND {{if .Single}}r.account IN {filter_account:Array(String)} AND (r.bucket, r.generation) IN{{else}}(r.account, r.bucket, r.generation) IN{{end}}
        (
        {{- template "visible" .}}
        )
{{- end}}
{{- end -}}

{{define "unbuilt"}}
    {{- if .Single}}toDate(bucket) NOT IN (SELECT day FROM built){{else}}(account, toDate(bucket)) NOT IN (SELECT account, day FROM built){{end}}
{{- end -}}
