-- Writes the attempts of changed messages by recipient. Bits 4 and 5 of code, the units of dialogs, are left out: other
-- messages move them.
-- Parameters: generation, folded, heads, slice, slices. External tables: targets (account, bucket), batches (id).
INSERT INTO attempts_by_recipient
    (account, recipient, bucket, message_id, step, generation, gone, cohort_ms, channel, provider, campaign, template,
        sender, app, operator, country, traffic, trigger,
     contact, person, start_ms, delivered_ms, read_ms, last_reply_ms, code, leg, sms_segments, error_code, error_ms,
     expired)
WITH
    {{never}} AS never,
    changed AS (SELECT account, bucket, message FROM number_queue
        WHERE batch IN (SELECT id FROM batches) AND (account, bucket) IN (SELECT account, bucket FROM targets)
        -- Only the slice's, as in fold.sql.
        AND (message = 0 OR {slices:UInt32} = 1 OR message % {slices:UInt32} = {slice:UInt32}))
SELECT
    f.account, recipient, f.bucket, f.message_id, f.step, {generation:UInt64}, 0 AS gone, cohort_ms, channel, provider,
    campaign, template, sender, app, operator, country, traffic, trigger,
    contact, person,
    {{template "start_ms" "f.step"}} AS start_ms,
    delivered_at_ms, read_at_ms, last_reply_ms, code_and_skipped, leg, message_sms_segments, error_code, error_ms,
    is_expired
FROM
(
    SELECT account, recipient, bucket, message_id, step, {{template "cohort_ms" ""}} AS cohort_ms,
        channel, provider, campaign, template, sender, app, operator,
        country, traffic, trigger, contact, if(contact != '', contact, recipient) AS person, sent_at_ms, queued_ms,
        delivered_at_ms, read_at_ms, {{template "code_by_recipient" ""}} AS code_and_skipped, leg,
        sms_segments AS message_sms_segments, error_code, error_ms, is_expired
    FROM {folded:Identifier}
    WHERE NOT multi
        AND ((account, bucket, cityHash64(message_id)) IN changed OR (account, bucket, toUInt64(0)) IN changed)
    UNION ALL
    SELECT f.account, f.recipient, f.bucket, f.message_id, f.step, h.cohort_ms, f.channel, f.provider, f.campaign,
        f.template, f.sender, f.app, f.operator,
        f.country, f.traffic, f.trigger, f.contact, h.person, f.sent_at_ms, f.queued_ms, f.delivered_at_ms,
        f.read_at_ms, {{template "code_by_recipient" "f."}}, f.leg,
        h.sms_segments, f.error_code, f.error_ms, f.is_expired
    FROM {folded:Identifier} AS f
    INNER JOIN {heads:Identifier} AS h ON h.account = f.account AND h.bucket = f.bucket AND h.message_id = f.message_id
    WHERE f.multi
        AND ((f.account, f.bucket, cityHash64(f.message_id)) IN changed
            OR (f.account, f.bucket, toUInt64(0)) IN changed)
) AS f
LEFT JOIN
(
    SELECT account, bucket, message_id, step, max(replied_ms) AS last_reply_ms
    FROM replies
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
    GROUP BY account, bucket, message_id, step
) AS r ON r.account = f.account AND r.bucket = f.bucket AND r.message_id = f.message_id AND r.step = f.step
WHERE cohort_ms < never
SETTINGS join_use_nulls = 0, insert_deduplicate = 0, max_insert_threads = 1
