{{- /* Attempts on channels that tell of numbers which started while their number was dead (docs/definitions.md section 5), by the keys and all that pricing
must know. None of them belongs to a dialog. */ -}}
WITH
    dead AS
    (
        SELECT account, number, dead_from_ms, dead_to_ms, dead_rules
        FROM number_health FINAL
        WHERE notEmpty(dead_from_ms){{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
    ),
    {{.Route}} AS route
{{- range .Keys}},
    {{.Cell}} AS {{.Column}}
{{- end}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    -- No price changes between two borders, so any cohort in between will do.
    min(toUnixTimestamp(r.cohort)), count(),
    -- When the youngest cohort settles.
    max({{template "settles_ms" "r.cohort_ms"}})
FROM
(
    SELECT
        a.account AS account, a.channel AS channel, a.provider AS provider, a.campaign AS campaign, a.template AS template, a.sender AS sender, a.app AS app,
        a.operator AS operator, a.country AS country, a.traffic AS traffic, a.step AS step, a.trigger AS trigger, a.cohort_ms AS cohort_ms,
        toStartOfFifteenMinutes(toDateTime(intDiv(a.cohort_ms, 1000), 'UTC')) AS cohort, a.sms_segments AS sms_segments,
        a.code AS code,
        {{template "started_ms" "a."}} AS started_ms,
        -- The attempt whose failure made the number dead started just then: no list had the number yet.
        arrayFirstIndex((since, until) -> since < started_ms AND started_ms < until, d.dead_from_ms, d.dead_to_ms) AS span,
        d.dead_rules[span] AS rule
    FROM
    (
        SELECT *
        FROM attempts_by_recipient FINAL
        WHERE (account, recipient) IN (SELECT account, number FROM dead) AND channel IN {phone_channels:Array(String)}
            AND NOT {{template "skipped" "code"}} AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
    ) AS a
    INNER JOIN dead AS d ON d.account = a.account AND d.number = a.recipient
    WHERE span > 0
) AS r
{{- range $i, $f := .Filters}}
{{if $i}}    AND{{else}}WHERE{{end}} {{$f.Shown}} IN {{$f.Parameter}}
{{- end}}
GROUP BY {{range .Keys}}{{.Column}}, {{end}}r.account, r.channel, r.provider, r.operator, r.country, r.traffic, r.sender, r.app, r.code, r.sms_segments,
    roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)})
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_join = 1000000000
