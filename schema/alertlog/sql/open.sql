{{- /* How many alerts of a rule and metric are open. */ -}}
SELECT toString(account), toString(rule), toString(metric), count()
FROM
(
    SELECT account, rule, metric, id, argMax(until_ms, seq) AS until FROM alert_events
    {{- if .Accounts}} WHERE account IN {accounts:Array(String)}{{end}}
    GROUP BY account, rule, metric, id
    HAVING until = 0
)
GROUP BY account, rule, metric
ORDER BY account, rule, metric
