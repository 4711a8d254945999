{{- /* Messages by account, campaign, template, shape, UTC day of cohorts, and the border of prices that they were
submitted after. Sums of days stand for those in which no price changes. Parameters: accounts, days, busy_days, strata,
borders (Unix seconds), cut_days, only_campaign. */ -}}
{{template "seen"}}
SELECT account, toString(campaign), toString(template), shape, toInt64(toUInt16(day)) AS cohort_day,
    toInt64(roundDown(toUnixTimestamp(cohort), {borders:Array(UInt32)})) AS since, toInt64(sum(messages)) AS n
{{template "visible" "rollup_cascades"}}
    AND (kind = 'difference'
        OR {{if .Cut}}kind = 'day' AND day NOT IN {cut_days:Array(Date)}
        OR kind = 'quarter' AND day IN {cut_days:Array(Date)}{{else}}kind = 'day'{{end}})
{{- if .Only}}
    AND campaign IN {only_campaign:Array(String)}
{{- end}}
    -- Those that send most are enough: what is sent once a year has no past, and a figure of few messages says
    -- nothing.
    AND (account, campaign, template) IN
    (
        SELECT account, campaign, template FROM rollup_cascades
        WHERE account IN {accounts:Array(String)} AND day IN {busy_days:Array(Date)}
            AND kind IN ('difference', 'quarter')
        GROUP BY account, campaign, template ORDER BY sum(messages) DESC LIMIT {strata:UInt32} BY account
    )
GROUP BY account, campaign, template, shape, cohort_day, since
HAVING n != 0
SETTINGS join_use_nulls = 0
