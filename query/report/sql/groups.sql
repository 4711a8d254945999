{{- /* The groups report (docs/definitions.md section 3): visible cells summed by the keys and cohorts, so that a cohort of which nothing is left begins
nothing, and those by the keys. rank is what rows are sorted by before their keys (Order.SQL). */ -}}
SELECT
{{- range .Keys}}
    {{.Name}},
{{- end}}
    toInt64(toUnixTimestamp(min(began))) AS first_s,
    sum(n_attempted) AS attempted, sum(n_sent) AS sent, sum(n_delivered) AS delivered, sum(n_read) AS read, sum(n_clicked) AS clicked,
    sum(n_replied) AS replied, sum(n_failed) AS failed, sum(n_pending) AS pending, sum(n_skipped),
    sum(n_delivery_num) AS delivery_num, sum(n_delivery_den) AS delivery_den, sum(n_open_num) AS open_num, sum(n_open_den) AS open_den,
    sum(n_click_num) AS click_num, sum(n_reply_num) AS reply_num,
    -- Delivered attempts by the bound of their route: 1 exact, 2 lower, 3 upper.
    sum(n_exact), sum(n_lower), sum(n_upper),
    max(settled_ms), {{if .Rank}}{{.Rank}}{{else}}toInt64(0){{end}} AS rank
FROM
(
    WITH
        {{.Route}} AS route,
        {{template "reports_deliveries" "route"}} AS has_delivery,
        {{template "reports_reads" "route"}} AS has_reads,
        {{template "bound_of_reads" "route"}} AS bound,
        r.attempted + r.skipped AS counted,
        {{template "settles_from"}} AS settles_from_ms
    {{- range .Keys}},
        {{.Cell}} AS {{.Column}}
    {{- end}}
    SELECT
    {{- range .Keys}}
        {{.Shown}} AS {{.Name}},
    {{- end}}
        r.cohort AS began,
        sum(r.attempted) AS n_attempted, sum(r.sent) AS n_sent, sum(r.delivered) AS n_delivered, sum(r.read) AS n_read, sum(r.clicked) AS n_clicked,
        sum(r.replied) AS n_replied, sum(r.failed) AS n_failed, sum(r.pending) AS n_pending, sum(r.skipped) AS n_skipped,
        sumIf(r.delivered, has_delivery) AS n_delivery_num, sumIf(r.sent, has_delivery) AS n_delivery_den,
        sumIf(r.read, has_reads) AS n_open_num, sumIf(r.delivered, has_reads) AS n_open_den,
        sumIf(r.clicked, has_delivery) AS n_click_num, sumIf(r.replied, has_delivery) AS n_reply_num,
        sumIf(r.delivered, has_reads AND bound = 1) AS n_exact, sumIf(r.delivered, has_reads AND bound = 2) AS n_lower,
        sumIf(r.delivered, has_reads AND bound = 3) AS n_upper,
        {{template "settled_ms" "counted"}} AS settled_ms
    {{template "visible_rows" .}}
    {{- range .Filters}}
        AND {{.Shown}} IN {{.Parameter}}
    {{- end}}
    {{- if .Search}}
        AND ({{range .Keys}}positionCaseInsensitiveUTF8(toString({{.Shown}}), {search:String}) > 0 OR {{end}}0)
    {{- end}}
    GROUP BY {{range .Keys}}{{.Column}}, {{end}}r.cohort
    HAVING sum(counted) != 0
)
{{- if .Keys}}
GROUP BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}{{if not .After}} WITH TOTALS{{end}}
{{- if .After}}
HAVING tuple({{if .Rank}}rank, {{end}}{{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}) > tuple({{if .Rank}}{after_rank:Int64}, {{end}}
    {{- range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.After}}{{end}})
{{- end}}
ORDER BY {{if .Rank}}rank, {{end}}{{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}
{{- end}}
LIMIT {limit:UInt32}
