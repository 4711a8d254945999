-- The channel report (docs/definitions.md section 3): visible cells, each with what its route can report, summed by the keys. Rates need
-- the sums of those routes alone that can report what the rate asks for.
WITH
    -- What the cell's route can report (CapabilityCode in package law). A named provider is none of "any other", so its line wins over '*'; of
    -- two such lines the account's own wins.
    {{.Route}} AS route,
    {{template "reports_deliveries" "route"}} AS has_delivery,
    {{template "reports_reads" "route"}} AS has_reads,
    {{template "bound_of_reads" "route"}} AS bound,
    {{- template "channel_terms" .}}
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    sum(r.attempted), sum(r.sent), sum(r.delivered), sum(r.read), sum(r.clicked), sum(r.replied), sum(r.failed), sum(r.pending),
    sum(r.skipped), sum(r.skewed), sum(r.machine_opened), sum(unsubscribed), sum(blocked), sum(complained),
    sumIf(r.delivered, has_delivery), sumIf(r.sent, has_delivery), sumIf(r.attempted, has_delivery),
    sumIf(r.read, has_reads), sumIf(r.delivered, has_reads), sumIf(r.sent, has_reads),
    sumIf(r.replied, has_delivery), sumIf(r.clicked, has_delivery),
    sumIf(r.in_1m, has_delivery AND over_1m), sumIf(r.timed, has_delivery AND over_1m),
    sumIf(r.in_24h, has_delivery AND over_24h), sumIf(r.timed, has_delivery AND over_24h),
    sumIf(r.read_in_24h, has_reads AND over_24h), sumIf(r.timed, has_reads AND over_24h),
    sumIf(unsubscribed, has_delivery), sumIf(blocked, has_delivery), sumIf(complained, has_delivery),
    -- Delivered attempts by the bound of their route: 1 exact, 2 lower, 3 upper.
    sumIf(r.delivered, has_reads AND bound = 1), sumIf(r.delivered, has_reads AND bound = 2), sumIf(r.delivered, has_reads AND bound = 3),
    -- The latency cells at the nearest ranks, and whether there are any. Weights add up modulo 2^64, and so may be differences. (Merging whole
    -- histograms by sumMap takes five times as long.)
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_deliver.keys, r.to_deliver.values, has_delivery),
    sumIf(arraySum(r.to_deliver.values), has_delivery) != 0,
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_read.keys, r.to_read.values, has_reads),
    sumIf(arraySum(r.to_read.values), has_reads) != 0,
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_reply.keys, r.to_reply.values, has_delivery),
    sumIf(arraySum(r.to_reply.values), has_delivery) != 0,
    -- When the youngest cohort settles.
    {{template "settled_ms" "counted"}}
{{template "channel_rows_of" .}}
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
{{- if .Keys}}
GROUP BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Column}}{{end}}{{if not .After}} WITH TOTALS{{end}}
HAVING sum(counted) != 0
{{- if .After}} AND tuple({{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}) > tuple({{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.After}}{{end}})
{{- end}}
ORDER BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}
LIMIT {limit:UInt32}
{{- end}}
