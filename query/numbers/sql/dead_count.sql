-- How many dead numbers and addresses there are.
SELECT countIf(NOT startsWith(number, {emails:String})), countIf(startsWith(number, {emails:String}))
FROM number_health FINAL
WHERE state = 'dead'{{if .Accounts}} AND account IN {accounts:Array(String)}{{end}}
