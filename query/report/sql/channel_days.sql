{{- /* What the channel report is made of, by days and by what routes can report: reports is the code of the route without its settling window. From these
rows readChannels computes the figures. Once as_of is later than until_ms, some other windows are over. */ -}}
{{define "channel_days"}}
WITH
    {{.Route}} AS route,
    {{- template "channel_terms" .}}
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
    toUInt16(r.day) AS on_day, {{template "at_present"}} AS settling, bitAnd(route, 15) AS reports,
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    sum(r.attempted), sum(r.sent), sum(r.delivered), sum(r.read), sum(r.clicked), sum(r.replied), sum(r.failed), sum(r.pending),
    sum(r.skipped), sum(r.skewed), sum(r.machine_opened), sum(unsubscribed), sum(blocked), sum(complained),
    sumIf(r.in_1m, over_1m), sumIf(r.timed, over_1m), sumIf(r.in_24h, over_24h), sumIf(r.timed, over_24h), sumIf(r.read_in_24h, over_24h),
    {{template "packed" "r.to_deliver"}}, {{template "packed" "r.to_read"}}, {{template "packed" "r.to_reply"}},
    {{template "settling_of" "counted"}},
    min(multiIf(NOT over_1m, toInt64(toUnixTimestamp(r.window_end)) * 1000, NOT over_24h, toInt64(toUnixTimestamp(r.window_end)) * 1000 + {{dayMS}},
        9999999999999)) AS until_ms
{{template "channel_rows_of" .}}
{{- range .Filters}}
    AND {{.Shown}} IN {{.Parameter}}
{{- end}}
GROUP BY on_day, settling, reports{{range .Keys}}, {{.Column}}{{end}}
{{- if not .Moved}}
HAVING sum(counted) != 0
{{- end}}
LIMIT {limit:UInt32}
{{- end -}}

{{define "channel_terms"}}
    {{- if not .OptOuts}}
    {{template "no_opt_outs"}},{{end}}
    -- Windows of a minute and of a day that are over.
    toUnixTimestamp(r.window_end) = 0 OR toInt64(toUnixTimestamp(r.window_end)) * 1000 < {as_of:Int64} AS over_1m,
    toUnixTimestamp(r.window_end) = 0 OR toInt64(toUnixTimestamp(r.window_end)) * 1000 + {{dayMS}} < {as_of:Int64} AS over_24h,
    r.attempted + r.skipped + unsubscribed + blocked + complained AS counted,
    {{template "settles_from"}} AS settles_from_ms
{{- end -}}

{{- /* A histogram: cell (2 bytes, little-endian) and attempts (8) of each cell. */ -}}
{{define "packed"}}arrayStringConcat(arrayMap((cell, n) -> concat(reinterpretAsFixedString(cell), reinterpretAsFixedString(n)),
        mapKeys(sumMap({{.}})), mapValues(sumMap({{.}})))){{end -}}

{{define "no_opt_outs"}}toInt64(0) AS unsubscribed, toInt64(0) AS blocked, toInt64(0) AS complained{{end -}}

{{- /* The cells that are visible, and the opt-outs beside them: who reads them adds conditions. */ -}}
{{define "channel_rows_of"}}
    {{- if .OptOuts -}}
FROM
(
    {{- template "channel_rows" .}}
) AS r
WHERE 1
    {{- else}}
        {{- template "visible_rows" .}}
    {{- end}}
{{- end -}}

{{define "channel_rows"}}
    {{- if not .None}}
    SELECT account, day, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger,
        attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed, machine_opened,
        window_end, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read, to_reply,
        {{template "no_opt_outs"}}, cohort_max_ms
    FROM
    (
        {{- template "visible" .}}
    )
    {{- end}}
    {{- if not .None}}
    UNION ALL{{end}}
    -- An attempt counts once for each status, however many events are attributed to it.
    SELECT account, toDate(0) AS day, toStartOfFifteenMinutes(toDateTime(intDiv(one.1, 1000), 'UTC')) AS cohort,
        one.2 AS channel, one.3 AS provider, one.4 AS campaign, one.5 AS template, one.6 AS sender, one.7 AS app,
        one.8 AS operator, one.9 AS country, one.10 AS traffic, step, one.11 AS trigger,
        {{template "zeros"}}, toDateTime(0, 'UTC') AS window_end, toInt64(0) AS timed, toInt64(0) AS in_1m,
        toInt64(0) AS in_24h, toInt64(0) AS read_in_24h, map()::Map(UInt16, UInt64) AS to_deliver,
        map()::Map(UInt16, UInt64) AS to_read, map()::Map(UInt16, UInt64) AS to_reply,
        unsubscribed, blocked, complained, one.1 AS cohort_max_ms
    FROM
    (
        SELECT account, message_id, step, toInt64(max(status = 'unsubscribed')) AS unsubscribed, toInt64(max(status = 'blocked')) AS blocked,
            toInt64(max(status = 'complained')) AS complained,
            argMax((cohort_ms, channel, provider, campaign, template, sender, app, operator, country, traffic, trigger), generation) AS one
        FROM opt_outs
        WHERE found AND generation <= {edition:UInt64}{{if .Dead}} AND generation NOT IN {dead:Array(UInt64)}{{end}}
            {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
            -- Of an event the attribution that was published last.
            AND (account, recipient, status, event_channel, event_app, occurred_ms, named, generation) IN
            (
                SELECT account, recipient, status, event_channel, event_app, occurred_ms, named, max(generation)
                FROM opt_outs
                WHERE generation <= {edition:UInt64}{{if .Dead}} AND generation NOT IN {dead:Array(UInt64)}{{end}}
                {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
                GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named
            )
        GROUP BY account, message_id, step
    )
    WHERE one.1 >= {from:UInt32} * 1000 AND one.1 < {to:UInt32} * 1000
{{- end -}}

{{- define "zeros"}}toInt64(0) AS attempted, toInt64(0) AS sent, toInt64(0) AS delivered, toInt64(0) AS read,
        toInt64(0) AS clicked, toInt64(0) AS replied, toInt64(0) AS failed, toInt64(0) AS pending,
        toInt64(0) AS skipped, toInt64(0) AS skewed, toInt64(0) AS machine_opened{{end -}}
