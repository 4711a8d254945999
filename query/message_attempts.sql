-- The attempts of one message, folded over all buckets that it may be in. Facts merge, so a bucket that was copied to another
-- (table splits) may be read along with it.
SELECT
    account, step, min(submitted_ms), min(id_ms), max(channel), max(provider), max(campaign), max(template), max(sender), max(app),
    max(operator), max(traffic), max(trigger), max(recipient_country), max(said_country), max(contact), max(segments), max(sms_segments),
    [min(queued_ms), min(accepted_ms), min(sent_ms), min(delivered_ms), min(read_ms), min(clicked_ms), min(replied_ms), min(undelivered_ms),
     min(rejected_ms), min(expired_ms), min(failed_ms), min(skipped_ms)], min(machine_ms), min(single_delivered_ms),
    max(parts), groupBitOr(delivered_parts), groupBitOr(failed_parts), groupBitOr(part_failures), max(parts_delivered_ms),
    max(last_error), max(error_code), max(permanent), maxMap(prices), groupBitOr(billable)
FROM attempts
WHERE message_id = {id:String}
{{- if .Account}} AND account = {account:String}{{end}}
{{- if .Bucket}}
    AND bucket = toDateTime({bucket:UInt32}, 'UTC')
{{- else}}
    AND (account, bucket) IN
    (
        SELECT account, bucket FROM located WHERE message_id = {id:String}{{if .Account}} AND account = {account:String}{{end}}
        UNION ALL
        SELECT account, home FROM splits WHERE message_id = {id:String}{{if .Account}} AND account = {account:String}{{end}}
    )
{{- end}}
GROUP BY account, step
ORDER BY account, step
LIMIT 10000
