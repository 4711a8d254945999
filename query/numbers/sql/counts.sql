-- How many numbers and addresses are in each state, and by which rule.
SELECT startsWith(number, {emails:String}) AS email, toString(state) AS state, toString(rule) AS rule, count()
FROM number_health FINAL
{{- if .Accounts}}
WHERE account IN {accounts:Array(String)}
{{- end}}
GROUP BY email, state, rule
ORDER BY email, state, rule
