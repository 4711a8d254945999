-- The attempts of hours, or of some messages of theirs, merged, message by message. Messages that are stored in more than one
-- hour count at home. External table: targets (account, bucket, and message_id for single messages).
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, submitted_ms, id_ms, channel, provider, campaign,
    template, sender, app, operator, traffic, trigger, recipient_country, said_country, contact, segments, sms_segments,
    machine_ms, single_delivered_ms, parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms, permanent,
    billable, last_error, error_code, prices,
    -- In the order of schema.Status.
    queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms, rejected_ms, expired_ms,
    failed_ms, skipped_ms
FROM attempts FINAL
WHERE (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM targets)
    AND (account != {after_account:String} OR bucket != toDateTime({after_bucket:UInt32}, 'UTC') OR message_id > {after_id:String})
    AND (account != {last_account:String} OR bucket != toDateTime({last_bucket:UInt32}, 'UTC') OR message_id <= {last_id:String})
    AND (account, bucket, message_id) NOT IN
        (SELECT account, bucket, message_id FROM splits WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
ORDER BY account, bucket, message_id, step
-- Small blocks: the driver holds some of them, and of each row all columns.
SETTINGS do_not_merge_across_partitions_select_final = 1, max_block_size = 8192
-- edition = 7
-- dead = [4]
-- after_account = "x' OR '1'='1 {id:String}"
-- after_bucket = 25200
-- after_id = "x' OR '1'='1 {id:String}"
-- last_account = "x' OR '1'='1 {id:String}"
-- last_bucket = 25200
-- last_id = "x' OR '1'='1 {id:String}"
