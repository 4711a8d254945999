-- The replies of hours, in the order of facts.sql. External table: targets (account, bucket).
{{define "replies" -}}
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, replied_ms
FROM replies
WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
{{- end -}}
{{template "replies"}}
ORDER BY account, bucket, message_id, step
