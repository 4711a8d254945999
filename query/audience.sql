-- The people whose last word on an app was a certain one. At equal times the loss wins: its rank is greater. A push that failed as the app is gone
-- counts as uninstalled when it began. Rows of recipient_events that are there twice change no maximum, so they are not merged here.
-- External table: error_map.
SELECT account, recipient, app, max((ms, rank)).1 AS since
FROM
(
    SELECT account, recipient, app, occurred_ms AS ms, transform(status, ['subscribed', 'unsubscribed', 'uninstalled'], [1, 2, 3], 0) AS rank
    FROM recipient_events
    WHERE status IN ('subscribed', 'unsubscribed', 'uninstalled'){{template "audience_filters" .}}
    UNION ALL
    SELECT account, recipient, app, if(start_ms = 9999999999999, cohort_ms, start_ms) AS ms, 3 AS rank
    FROM
    (
        SELECT account, recipient, app, start_ms, cohort_ms, channel, provider, error_code, expired
        FROM attempts_by_recipient FINAL
        WHERE channel = 'push' AND bitTest(code, 3){{template "audience_filters" .}}
    ) AS a
    WHERE {{.Class}} IN ('app_uninstalled', 'token_invalid')
)
GROUP BY account, recipient, app
HAVING max((ms, rank)).2 = {rank:UInt8}
ORDER BY account, recipient, app
{{- if .Limit}}
LIMIT {limit:UInt32}
{{- end}}
{{- define "audience_filters"}}
{{- if .Single}} AND account = {account:String}{{else if .Accounts}} AND account IN {accounts:Array(String)}{{end}}
{{- if .Apps}} AND app IN {apps:Array(String)}{{end}}
{{- if .After}} AND account >= {after_account:String}{{if .Single}} AND recipient >= {after_recipient:String}{{end}}
            AND (account, recipient, app) > ({after_account:String}, {after_recipient:String}, {after_app:String}){{end}}
{{- end}}
