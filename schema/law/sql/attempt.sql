{{- /* What the facts of an attempt mean (docs/definitions.md section 1). Attempt in attempt.go says the same in Go. Rows
are those of table attempts, merged; never, an alias of theirs, is a time that was not seen: {{never}} AS never. */ -}}

{{- /* When the message was delivered, all of it. A part is read with the attempt's parts: of one part it is the
whole. */ -}}
{{define "whole_delivered_ms" -}}
least(attempts.delivered_ms, if(parts <= 1, single_delivered_ms, never),
          if(parts >= 2 AND bitCount(delivered_parts) = parts, parts_delivered_ms, never))
{{- end}}

{{- /* The aliases that "outcome" needs. The argument is a condition: deliveries that are not to be counted yet. */ -}}
{{define "facts"}}{{template "whole_delivered_ms"}} AS whole_delivered_ms,
    -- Mail servers accept first and refuse later, and scanners open and click what bounces; a reply proves a reader.
    channel IN {{bouncingChannels}} AND permanent = 1 AND attempts.replied_ms = never AS is_bounced,
    is_bounced OR {{.}} AS is_closed,
    if(is_closed, never, least(attempts.read_ms, attempts.clicked_ms, attempts.replied_ms)) AS first_read_ms
{{- end}}

{{define "outcome"}}least(accepted_ms, sent_ms) AS sent_at_ms, queued_ms,
    if(is_closed, never, least(whole_delivered_ms, machine_ms, first_read_ms)) AS delivered_at_ms,
    first_read_ms AS read_at_ms,
    if(is_closed, never, attempts.clicked_ms) AS clicked_ms, if(is_closed, never, attempts.replied_ms) AS replied_ms,
    -- Bits 0 and 2 of part_failures: a provider took what was undelivered or expired, not what was rejected or failed.
    least(sent_at_ms, whole_delivered_ms, machine_ms, attempts.read_ms, attempts.clicked_ms, attempts.replied_ms,
        undelivered_ms, expired_ms) < never
        OR delivered_parts != 0 OR bitAnd(part_failures, 5) != 0 AS is_sent,
    delivered_at_ms < never AS is_delivered,
    read_at_ms < never AS is_read,
    machine_ms < never AS is_machine_opened,
    -- A failure of a part counts only while that part is undelivered.
    NOT is_delivered AND (least(undelivered_ms, rejected_ms, expired_ms, failed_ms) < never
                          OR bitAnd(failed_parts, bitNot(delivered_parts)) != 0) AS is_failed,
    skipped_ms < never AND NOT is_sent AND NOT is_failed AS is_skipped,
    billable = 1 AS is_not_billed,
    -- A later event took its delivery, if it had one: a bounce, or one that tells of more parts.
    is_bounced OR (parts >= 2 AND NOT is_delivered AND (attempts.single_delivered_ms < never
        OR delivered_parts != 0)) AS is_lowered
{{- end}}

{{- /* recipient_country ends in NUL where no country is known, else in NUL and two letters. What events say counts
of what is no phone number. */ -}}
{{define "country" -}}
multiIf(said_country != '' AND NOT startsWith(recipient_country, '+'), said_country,
            endsWith(recipient_country, '\0'), '', substring(recipient_country, -2))
{{- end}}
{{define "recipient"}}substring(recipient_country, 1, position(recipient_country, '\0') - 1){{end}}

{{- /* Prices by currency. Those of parts add up; where there are no parts, the greatest counts. A key is a currency, with
the part behind a blank where there is one. */ -}}
{{define "prices" -}}
multiIf(empty(attempts.prices) OR NOT arrayExists(k -> length(k) > 3, mapKeys(attempts.prices)), attempts.prices,
            parts >= 2, arrayReduce('sumMap', arrayMap((k, v) -> map(substring(k, 1, 3), v), mapKeys(attempts.prices),
                mapValues(attempts.prices))),
            arrayReduce('maxMap', arrayMap((k, v) -> map(substring(k, 1, 3), v), mapKeys(attempts.prices),
                mapValues(attempts.prices))))
{{- end}}

{{- /* The code of the latest failure that carried one, behind the 13 digits of its time. Facts of before know the
code alone. */ -}}
{{define "error_code"}}if(last_error = '', attempts.error_code, substring(last_error, 14)){{end}}
{{define "error_ms"}}if(last_error = '', 0, toInt64(left(last_error, 13))){{end}}

{{- /* That the status was seen, of the attempt or of a part. */ -}}
{{define "is_expired"}}expired_ms < never OR bitAnd(part_failures, 4) != 0{{end}}

{{- /* When the message was submitted, as far as one of its attempts knows; then as all of them do. */ -}}
{{define "cohort_ms"}}if({{.}}submitted_ms < never, {{.}}submitted_ms, {{.}}id_ms){{end}}
{{define "message_cohort_ms"}}if(min(submitted_ms) < never, min(submitted_ms), min(id_ms)){{end}}

{{- /* When the attempt of step {{.}} started, never where that is unknown; and from what it started as far
as is known. */ -}}
{{define "start_ms"}}multiIf(sent_at_ms < never, sent_at_ms, queued_ms < never, queued_ms, {{.}} = 1, cohort_ms,
                never){{end}}
{{define "started_ms"}}if({{.}}start_ms = {{never}}, {{.}}cohort_ms, {{.}}start_ms){{end}}

{{- /* An attempt is skewed when it is delivered more than a minute before it starts. */ -}}
{{define "is_skewed"}}delivered_at_ms < never AND start_ms < never AND delivered_at_ms - start_ms < -60000{{end}}
