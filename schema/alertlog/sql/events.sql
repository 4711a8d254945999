{{- /* Alerts, each as it is now: open ones first, then the latest. */ -}}
SELECT toString(account), seq, id, toString(rule), rule_version, toString(metric), arrayMap(k -> toString(k), `keys`),
    toString(channel), toString(provider), toString(operator), campaign, before, now, low, high, num, den, hours,
    since_ms, until_ms, toString(ended), arrayMap(r -> toString(r), send_to), at_ms, toString(currency), cost,
    cost_before, cost_now, cost_low, cost_high
FROM
(
    SELECT * FROM alert_events
    WHERE 1
    {{- if .Accounts}} AND account IN {accounts:Array(String)}{{end}}
    {{- if .Rules}} AND rule IN {rules:Array(String)}{{end}}
    {{- if .Metrics}} AND metric IN {metrics:Array(String)}{{end}}
    ORDER BY seq DESC LIMIT 1 BY account, id
)
WHERE 1
{{- if .Open}} AND until_ms = 0{{end}}
{{- if .Over}} AND until_ms != 0{{end}}
{{- if .After}} AND (until_ms = 0, since_ms, id) < ({is_open:UInt8}, {since_ms:Int64}, {id:String}){{end}}
ORDER BY until_ms = 0 DESC, since_ms DESC, id DESC
LIMIT {limit:UInt32}
