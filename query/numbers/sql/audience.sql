{{- /* The people whose last word on an app was a certain one, or who opted out of it. External table: error_map. */ -}}
{{if .Blocked -}}
-- By the rules of opt_outs, whatever the sender.
SELECT account, recipient, max(contact), channel, app, max(since_ms) AS since
FROM
(
{{- template "opt_outs" .}}
)
GROUP BY account, recipient, channel, app
{{- else -}}
-- At equal times the loss wins: its rank is greater. A push that failed as the app is gone counts as uninstalled when it began. Rows of
-- recipient_events that are there twice change no maximum, so they are not merged here.
SELECT account, recipient, max(said_contact), channel, app, max((ms, rank)).1 AS since
FROM
(
    SELECT account, recipient, contact AS said_contact, channel, app, occurred_ms AS ms, transform(status, ['subscribed', 'unsubscribed', 'uninstalled'], [1, 2, 3], 0) AS rank
    FROM recipient_events
    WHERE status IN ('subscribed', 'unsubscribed', 'uninstalled'){{template "opt_outs_of" .}}
    UNION ALL
    SELECT account, recipient, contact AS said_contact, channel, app, {{template "started_ms" "r."}} AS ms, 3 AS rank
    FROM
    (
        SELECT account, recipient, contact, channel, app, start_ms, cohort_ms, provider, error_code, expired
        FROM attempts_by_recipient FINAL
        WHERE channel IN {installed_channels:Array(String)} AND {{template "failed" "code"}}{{template "opt_outs_of" .}}
    ) AS r
    WHERE {{.Class}} IN ('app_uninstalled', 'token_invalid')
)
GROUP BY account, recipient, channel, app
HAVING max((ms, rank)).2 = {rank:UInt8}
{{- end}}
ORDER BY account, recipient, channel, app
{{- if .Limit}}
LIMIT {limit:UInt32}
{{- end}}
{{- define "opt_outs_of"}}
{{- if .Single}} AND account = {account:String}{{else if .Accounts}} AND account IN {accounts:Array(String)}{{end}}
{{- if .Channels}} AND channel IN {channels:Array(String)}{{end}}
{{- if .Apps}} AND app IN {apps:Array(String)}{{end}}
{{- if .After}} AND account >= {after_account:String}{{if .Single}} AND recipient >= {after_recipient:String}{{end}}
            AND (account, recipient, channel, app) > ({after_account:String}, {after_recipient:String}, {after_channel:String}, {after_app:String}){{end}}
{{- end}}
