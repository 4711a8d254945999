-- The attempts of one message in all hours that it may be in. Facts merge, so an hour that was copied to another (table splits)
-- may be read along with it.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, submitted_ms, id_ms, channel, provider, campaign,
    template, sender, app, operator, traffic, trigger, recipient_country, said_country, contact, segments, sms_segments,
    machine_ms, single_delivered_ms, parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms, permanent,
    billable, last_error, error_code, prices,
    -- In the order of schema.Status.
    queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms, rejected_ms, expired_ms,
    failed_ms, skipped_ms
FROM attempts FINAL
WHERE message_id = {id:String} AND account = {account:String}
    AND bucket = toDateTime({bucket:UInt32}, 'UTC')
ORDER BY account, bucket, step
LIMIT 10000
-- id = "01a1a8c8-f88e-7ddf-837b-235096e0a668"
-- account = "x' OR '1'='1 {id:String}"
-- bucket = 1793829600
