-- One number, in one or in all accounts.
SELECT
        {{template "packed"}} AS packed, state, version, override, why
FROM number_health FINAL
WHERE number = {number:String}{{if .Account}} AND account = {account:String}{{end}}
ORDER BY account
LIMIT 2
