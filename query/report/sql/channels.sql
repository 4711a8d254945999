-- The channel report (docs/definitions.md section 3): cells of visible generations, each with what its route can report, summed by
-- the keys. Rates need the sums of those routes alone that can report what the rate asks for.
WITH
    -- What the cell's route can report (CapabilityCode in package law). A named provider is none of "any other", so its line wins over '*'; of
    -- two such lines the account's own wins.
    {{.Route}} AS route,
    {{template "reports_deliveries" "route"}} AS has_delivery,
    {{template "reports_reads" "route"}} AS has_reads,
    {{template "bound_of_reads" "route"}} AS bound
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    sum(r.attempted), sum(r.sent), sum(r.delivered), sum(r.read), sum(r.clicked), sum(r.replied), sum(r.failed), sum(r.pending),
    sum(r.skipped), sum(r.skewed), sum(r.machine_opened), sum(r.unsubscribed), sum(r.blocked), sum(r.complained),
    sumIf(r.delivered, has_delivery), sumIf(r.sent, has_delivery), sumIf(r.attempted, has_delivery),
    sumIf(r.read, has_reads), sumIf(r.delivered, has_reads), sumIf(r.sent, has_reads),
    sumIf(r.replied, has_delivery), sumIf(r.clicked, has_delivery),
    sumIf(r.delivered_1m_num, has_delivery), sumIf(r.delivered_1m_den, has_delivery),
    sumIf(r.delivered_24h_num, has_delivery), sumIf(r.delivered_24h_den, has_delivery),
    sumIf(r.read_24h_num, has_reads), sumIf(r.read_24h_den, has_reads),
    sumIf(r.unsubscribed, has_delivery), sumIf(r.blocked, has_delivery), sumIf(r.complained, has_delivery),
    -- Delivered attempts by the bound of their route: 1 exact, 2 lower, 3 upper.
    sumIf(r.delivered, has_reads AND bound = 1), sumIf(r.delivered, has_reads AND bound = 2), sumIf(r.delivered, has_reads AND bound = 3),
    -- The latency cells at the nearest ranks, and whether there are any. (Merging whole histograms by sumMap takes five times as long.)
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_deliver.keys, r.to_deliver.values, has_delivery),
    countIf(has_delivery AND notEmpty(r.to_deliver.keys)) > 0,
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_read.keys, r.to_read.values, has_reads),
    countIf(has_reads AND notEmpty(r.to_read.keys)) > 0,
    quantilesExactWeightedArrayIf(0.5, 0.9, 0.99)(r.to_reply.keys, r.to_reply.values, has_delivery),
    countIf(has_delivery AND notEmpty(r.to_reply.keys)) > 0,
    -- When the youngest cohort settles.
    max({{template "settles_ms" "r.cohort_max_ms"}})
FROM
(
    SELECT account, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger,
        attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed, machine_opened,
        delivered_1m_num, delivered_1m_den, delivered_24h_num, delivered_24h_den, read_24h_num, read_24h_den, to_deliver, to_read, to_reply,
        0 AS unsubscribed, 0 AS blocked, 0 AS complained, cohort_max_ms
    FROM rollup_attempts
    WHERE cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
        AND (account, bucket, generation) IN
        (
            SELECT account, bucket, max(generation)
            FROM generations
            WHERE generation <= {generation:UInt64}
            {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
            GROUP BY account, bucket
            HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
        )
    UNION ALL
    -- An attempt counts once for each status, however many events are attributed to it.
    SELECT account, toStartOfFifteenMinutes(toDateTime(intDiv(one.1, 1000), 'UTC')) AS cohort, one.2, one.3, one.4, one.5, one.6, one.7, one.8, one.9, one.10, step, one.11,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, map()::Map(UInt16, UInt64), map()::Map(UInt16, UInt64), map()::Map(UInt16, UInt64),
        unsubscribed, blocked, complained, one.1
    FROM
    (
        SELECT account, message_id, step, max(status = 'unsubscribed') AS unsubscribed, max(status = 'blocked') AS blocked, max(status = 'complained') AS complained,
            argMax((cohort_ms, channel, provider, campaign, template, sender, app, operator, country, traffic, trigger), generation) AS one
        FROM opt_outs
        WHERE found AND generation <= {generation:UInt64}
            {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
            -- Of an event the attribution that was published last.
            AND (account, recipient, status, event_channel, event_app, occurred_ms, named, generation) IN
            (
                SELECT account, recipient, status, event_channel, event_app, occurred_ms, named, max(generation)
                FROM opt_outs
                WHERE generation <= {generation:UInt64}
                {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
                GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named
            )
        GROUP BY account, message_id, step
    )
    WHERE one.1 >= {from:UInt32} * 1000 AND one.1 < {to:UInt32} * 1000
) AS r
WHERE 1
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
{{- if .Keys}}
GROUP BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Column}}{{end}}{{if not .After}} WITH TOTALS{{end}}
{{- if .After}}
HAVING tuple({{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}) > tuple({{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.After}}{{end}})
{{- end}}
ORDER BY {{range $i, $k := .Keys}}{{if $i}}, {{end}}{{$k.Name}}{{end}}
LIMIT {limit:UInt32}
{{- end}}
