{{- /* What a rule counts, by account, what it tells apart, stratum and hour of cohorts. Cells add up as reports add
them up: of each account and day the sums of its newest build and the differences of later editions, as far as they are
published. Parameters: accounts, from and to (Unix seconds, whole hours), days (which are read), within (the cell of the
latest latency that counts), over (Unix seconds: windows that end by then are over), only_*. */ -}}
{{template "seen"}}
SELECT account,
{{- range .Keys}}
    {{if .Named}}toString({{.Name}}){{else}}''{{end}} AS of_{{.Name}},
{{- end}}
    toString(channel), toString(provider), step > 1 AS later,
{{- if .Failures}}
    toString(error_code), expired = 1,
{{- end}}
    toInt64(intDiv(toUnixTimestamp(cohort), 3600)) AS hour,
    toInt64(sum({{.Num}})) AS num, toInt64(sum({{.Den}})) AS den
{{template "visible" .Table}}
    AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
    AND kind IN ('difference', 'quarter')
{{- if .First}}
    AND step = 1
{{- end}}
{{- range .Keys}}{{if .Only}}
    AND {{.Name}} IN {only_{{.Name}}:Array(String)}
{{- end}}{{end}}
{{- if .Campaigns}}
    -- The campaigns that send most are enough: a figure of few messages says nothing.
    AND (account, campaign) IN
    (
        SELECT account, campaign FROM rollup_attempts
        WHERE account IN {accounts:Array(String)} AND day IN {busy_days:Array(Date)}
            AND kind IN ('difference', 'quarter')
        GROUP BY account, campaign ORDER BY sum(attempted) DESC LIMIT {campaigns:UInt32} BY account
    )
{{- end}}
GROUP BY account, {{range .Keys}}of_{{.Name}}, {{end}}channel, provider, later,
    {{- if .Failures}} error_code, expired,{{end}} hour
HAVING num != 0 OR den != 0
ORDER BY account, {{range .Keys}}of_{{.Name}}, {{end}}hour
SETTINGS join_use_nulls = 0

{{- /* Attempts whose window is over (00011_editions.sql: window_end), and those of a histogram up to a cell, modulo
2^64. */ -}}
{{define "over"}}(toUnixTimestamp(window_end) = 0 OR toInt64(toUnixTimestamp(window_end)) <= {over:Int64}){{end}}
{{define "within" -}}
reinterpretAsInt64(arraySum((cell, n) -> if(cell <= {within:UInt16}, n, 0), mapKeys({{.}}), mapValues({{.}})))
{{- end}}
{{define "delivery_num"}}if({{template "over"}}, {{template "within" "to_deliver"}}, 0){{end}}
{{define "delivery_den"}}if({{template "over"}}, timed, 0){{end}}
{{define "open_num"}}if({{template "over"}}, {{template "within" "to_read"}}, 0){{end}}
{{define "open_den"}}if({{template "over"}}, {{template "within" "to_deliver"}}, 0){{end}}
{{define "silent_num"}}sent + failed{{end}}
