{{- /* The found orphans, as o, with the bucket of their message, f.bucket. External tables: batches (id), found (topic,
partition, offset, line, bucket). */ -}}
{{define "found_orphans" -}}
FROM orphans AS o FINAL
INNER JOIN found AS f ON f.topic = o.topic AND f.partition = o.partition AND f.offset = o.offset AND f.line = o.line
WHERE (o.account, o.message_id) IN (SELECT account, message_id FROM join_queue WHERE batch IN (SELECT id FROM batches))
{{- end -}}
-- Copies found orphans to the facts of their message. Parameter: batch, that of the touch that will announce them.
-- External tables: batches (id), found (topic, partition, offset, line, bucket).
INSERT INTO events (account, bucket, message_id, step, status, occurred_ms, submitted_ms, id_ms, channel, provider,
    campaign,
    template, sender, app, operator, traffic, trigger, recipient_country, said_country, contact, segments, sms_segments,
    sms_measure, part,
    parts, error_code, permanent, price_micros, currency, billable, batch)
SELECT o.account, f.bucket, o.message_id, o.step, o.status, o.occurred_ms, 0 AS submitted_ms, 0 AS id_ms, o.channel,
    o.provider, o.campaign,
    o.template, o.sender, o.app, o.operator, o.traffic, o.trigger, o.recipient_country, o.said_country, o.contact,
    o.segments, o.sms_segments, o.sms_measure, o.part,
    o.parts, o.error_code, o.permanent, o.price_micros, o.currency, o.billable, {batch:UUID}
{{template "found_orphans"}}
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0
