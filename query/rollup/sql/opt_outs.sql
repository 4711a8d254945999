{{- /* What tells that somebody opted out (docs/definitions.md section 5, opt_outs): events, and error codes of attempts, delivered later or not.
External table: error_map. r is a row of attempts_by_recipient. */ -}}
{{define "opts_out_by_code"}}error_code IN (SELECT code FROM error_map WHERE class IN ('blocked_by_user', 'opted_out', 'dnd')){{end}}
{{- /* When a code was told. Facts of before know the code alone. */ -}}
{{define "code_ms"}}if(r.error_ms > 0, r.error_ms, {{template "started_ms" "r."}}){{end}}

{{- /* The opt-outs of {kinds} that stand, the latest of each place and sender: account, recipient, channel, app, sender, kind, since_ms, contact (the
greatest). .Class is the class of a row r. Whoever includes this defines opt_outs_of, a condition on account and recipient that begins with AND. */ -}}
{{define "opt_outs"}}
SELECT o.account AS account, o.recipient AS recipient, o.channel AS channel, o.app AS app, o.sender AS sender, o.kind AS kind, o.since_ms AS since_ms, o.contact AS contact
FROM
(
    SELECT account, recipient, channel, app, sender, kind, max(at_ms) AS since_ms, max(said_contact) AS contact
    FROM
    (
        SELECT account, recipient, channel, app, sender, contact AS said_contact, status AS kind, occurred_ms AS at_ms
        FROM recipient_events
        WHERE status IN {kinds:Array(String)}{{template "opt_outs_of" .}}
        UNION ALL
        SELECT account, recipient, channel, app, sender, contact AS said_contact, if({{.Class}} = 'blocked_by_user', 'blocked', 'unsubscribed') AS kind, {{template "code_ms"}} AS at_ms
        FROM
        (
            SELECT account, recipient, channel, app, sender, contact, provider, error_code, error_ms, expired, start_ms, cohort_ms
            FROM attempts_by_recipient FINAL
            WHERE {{template "opts_out_by_code"}}{{template "opt_outs_of" .}}
        ) AS r
        WHERE {{.Class}} IN ('blocked_by_user', 'opted_out', 'dnd') AND kind IN {kinds:Array(String)}
    )
    GROUP BY account, recipient, channel, app, sender, kind
) AS o
LEFT ANY JOIN
(
    -- What ends opt-outs there: subscribed ends each, and any other sign of life ends a block.
    SELECT account, recipient, channel, app, max(subscribed_ms) AS subscribed_ms, groupArray((sender, alive_ms)) AS alive
    FROM
    (
        SELECT account, recipient, channel, app, sender, max(if(status = 'subscribed', occurred_ms, 0)) AS subscribed_ms, max(occurred_ms) AS alive_ms
        FROM recipient_events
        WHERE status IN ('subscribed', 'inbound'){{template "opt_outs_of" .}}
        GROUP BY account, recipient, channel, app, sender
        UNION ALL
        SELECT a.account AS account, a.recipient AS recipient, a.channel AS channel, a.app AS app, a.sender AS sender, 0 AS subscribed_ms,
            max(greatest(a.read_ms, p.replied_ms)) AS alive_ms
        FROM
        (
            SELECT account, recipient, channel, app, sender, bucket, message_id, step, read_ms
            FROM attempts_by_recipient FINAL
            WHERE (account, recipient) IN ({{template "may_have_blocked" .}}) AND {{template "read" "code"}}{{template "opt_outs_of" .}}
        ) AS a
        LEFT ANY JOIN
        (
            SELECT account, bucket, message_id, step, max(replies.replied_ms) AS replied_ms
            FROM replies
            WHERE (account, message_id) IN
                (SELECT account, message_id FROM attempts_by_recipient WHERE (account, recipient) IN ({{template "may_have_blocked" .}}) AND {{template "read" "code"}}{{template "opt_outs_of" .}})
            GROUP BY account, bucket, message_id, step
        ) AS p ON p.account = a.account AND p.bucket = a.bucket AND p.message_id = a.message_id AND p.step = a.step
        GROUP BY account, recipient, channel, app, sender
    )
    GROUP BY account, recipient, channel, app
) AS e ON e.account = o.account AND e.recipient = o.recipient AND e.channel = o.channel AND e.app = o.app
WHERE if(o.kind = 'blocked', NOT arrayExists(a -> a.2 > o.since_ms AND (a.1 = '' OR o.sender = '' OR a.1 = o.sender), e.alive), e.subscribed_ms <= o.since_ms)
{{- end}}
{{- /* Few read on after they have blocked, so only who may have is looked at. */ -}}
{{define "may_have_blocked" -}}
SELECT account, recipient FROM recipient_events WHERE status = 'blocked' AND has({kinds:Array(String)}, 'blocked'){{template "opt_outs_of" .}}
                UNION ALL
                SELECT account, recipient FROM attempts_by_recipient WHERE {{template "opts_out_by_code"}} AND has({kinds:Array(String)}, 'blocked'){{template "opt_outs_of" .}}
{{- end -}}
