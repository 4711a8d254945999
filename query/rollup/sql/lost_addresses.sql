{{- /* Who can't be reached any more (docs/definitions.md section 5, penetration). An address is (channel, app, recipient) of an account, known by a hash
of 128 bits, of which two never meet. What was lost, or won back, counts up to {as_of}; deliveries count whenever they were, and filters don't matter. */ -}}
{{define "is_lost" -}}
(sipHash128(r.account, r.channel, r.app, r.recipient) IN
        (
        {{- template "lost_addresses" .}}
        ) OR (r.channel IN {phone_channels:Array(String)} AND (r.account, r.recipient) IN
            (SELECT account, number FROM number_health FINAL WHERE state = 'dead'{{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}})))
{{- end -}}
{{define "lost_addresses"}}
            SELECT sipHash128(account, channel, app, recipient)
            FROM
            (
                SELECT account, channel, app, recipient, if(status = 'subscribed', 0, occurred_ms) AS lost_ms,
                    if(status = 'subscribed', occurred_ms, 0) AS back_ms, 0 AS delivered_ms
                FROM recipient_events
                WHERE {{template "tells_of_loss" .}} AND occurred_ms <= {as_of:Int64}
                UNION ALL
                WITH
                    multiIf(class IN ('blocked_by_user', 'opted_out', 'dnd'), code_ms,
                            class IN ('app_uninstalled', 'token_invalid') AND {{template "failed" "code"}}, started_ms,
                            0) AS told_ms
                SELECT account, channel, app, recipient, if(told_ms <= {as_of:Int64}, told_ms, 0) AS lost_ms,
                    0 AS back_ms, if({{template "delivered" "code"}}, c.delivered_ms, 0) AS delivered_ms
                FROM
                (
                    -- The class is a large expression, so it stands here once.
                    SELECT account, channel, app, recipient, code, delivered_ms, {{.Class}} AS class,
                        {{template "code_ms"}} AS code_ms, {{template "started_ms" "r."}} AS started_ms
                    FROM
                    (
                        SELECT account, channel, app, recipient, provider, error_code, error_ms, expired, start_ms, cohort_ms,
                            code, delivered_ms
                        FROM attempts_by_recipient FINAL
                        WHERE (account, recipient) IN
                            (
                                SELECT account, recipient FROM recipient_events
                                WHERE {{template "tells_of_loss" .}} AND status != 'subscribed'
                                UNION ALL
                                SELECT account, recipient FROM attempts_by_recipient
                                WHERE {{template "code_of_loss"}}{{template "lost_of" .}}
                            )
                            AND ({{template "delivered" "code"}} OR {{template "code_of_loss"}}){{template "lost_of" .}}
                    ) AS r
                ) AS c
            )
            GROUP BY account, channel, app, recipient
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(delivered_ms) AND max(lost_ms) >= max(back_ms)
{{- end -}}
{{define "tells_of_loss"}}status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed'){{template "lost_of" .}}{{end}}
{{define "code_of_loss"}}error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd')){{end}}
{{define "lost_of"}}{{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}{{if .Channel}} AND channel = {channel:String}{{end}}{{end}}
