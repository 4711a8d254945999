{{- /* The columns of an attempt as fact.scan in facts.go reads them. */ -}}
{{define "attempt_columns"}}account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, submitted_ms, id_ms, channel, provider, campaign,
    template, sender, app, operator, traffic, trigger, recipient_country, said_country, contact, segments, sms_segments,
    machine_ms, single_delivered_ms, parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms, permanent,
    billable, last_error, error_code, prices,
    -- In the order of schema.Status.
    queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms, rejected_ms, expired_ms,
    failed_ms, skipped_ms{{end}}

{{- /* The hours, or the messages, that are read next: those behind a place, and up to another one. Both places are in these hours
where the hours of theirs are. */ -}}
{{define "targets" -}}
(account, bucket{{if .ByMessage}}, message_id{{end}}) IN (SELECT account, bucket{{if .ByMessage}}, message_id{{end}} FROM targets)
{{- if .After}}
    AND (account != {after_account:String} OR bucket != toDateTime({after_bucket:UInt32}, 'UTC') OR message_id > {after_id:String})
{{- end}}
{{- if .UpTo}}
    AND (account != {last_account:String} OR bucket != toDateTime({last_bucket:UInt32}, 'UTC') OR message_id <= {last_id:String})
{{- end}}
{{- end}}
