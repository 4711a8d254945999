-- All channels, apps and providers that attempts went by.
SELECT DISTINCT channel, app, provider FROM legs{{if .Accounts}} WHERE account IN {filter_account:Array(String)}{{end}}
