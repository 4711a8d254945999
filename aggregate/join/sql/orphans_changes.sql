-- What the found orphans say of their messages (joinedChanges in join.go), message by message. External tables: batches
-- (id), found (topic, partition, offset, line, bucket).
SELECT o.account, toInt64(toUnixTimestamp(f.bucket)) * 1000, o.message_id, o.step, o.status, o.occurred_ms, o.channel,
    o.provider, o.campaign, o.template, o.sender, o.app, o.operator, o.traffic, o.trigger, o.recipient_country,
    o.said_country, o.contact, o.segments, o.sms_segments, o.sms_measure, o.part, o.parts, o.error_code, o.permanent,
    o.price_micros, o.currency, o.billable
{{template "found_orphans"}}
ORDER BY o.account, f.bucket, o.message_id
