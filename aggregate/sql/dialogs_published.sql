-- The dialogs that are published of hours. External table: targets (account, bucket).
{{define "dialogs_from" -}}
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, latest.2, latest.3, latest.4, latest.5, latest.6,
    latest.7, latest.8
FROM
(
    SELECT account, bucket, message_id, step,
        -- An attempt that moved to another person has a row for each in one edition.
        argMax((gone, channel, sender, recipient, delivered_ms, replies_ms, conversation, outside), (generation, NOT gone))
            AS latest
    FROM dialogs
{{- end}}
{{define "dialogs_where" -}}
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND generation NOT IN ({{template "unpublished"}})
{{- end -}}
{{template "dialogs_from"}}
{{template "dialogs_where"}}
    GROUP BY account, bucket, message_id, step
)
WHERE latest.1 = 0
