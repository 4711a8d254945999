-- Folds the attempts of a slice of the pass's buckets and derives what definitions.md section 1 derives of an attempt
-- by itself.
-- Parameters: folded, generation (of the dialogs of these buckets), slice, slices. External table: targets (account,
-- bucket).
INSERT INTO {folded:Identifier}
WITH
    9999999999999 AS never,
    channel IN {dialog_channels:Array(String)} AS is_dialog,
    -- One number is looked up three times as fast as four columns; at 128 bits two never meet.
    if(is_dialog, sipHash128(account, bucket, message_id, step), '') AS dialog_key,
    -- A delivery that was stored after the dialogs were read has no units yet; it waits for the next pass, as if it
    -- came after this one.
    is_dialog AND dialog_key NOT IN (SELECT sipHash128(account, bucket, message_id, step) FROM dialogs
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
            AND generation = {generation:UInt64}) AS is_undecided,
    -- A part is read with the attempt's parts: of one part it is the whole.
    least(attempts.delivered_ms, if(parts <= 1, single_delivered_ms, never),
          if(parts >= 2 AND bitCount(delivered_parts) = parts, parts_delivered_ms, never)) AS whole_delivered_ms,
    substring(recipient_country, 1, position(recipient_country, '\0') - 1) AS own_recipient,
    -- Mail servers accept first and refuse later, and scanners open and click what bounces; a reply proves a reader.
    channel IN {bouncing_channels:Array(String)} AND permanent = 1 AND attempts.replied_ms = never AS is_bounced,
    is_bounced OR is_undecided AS is_closed,
    if(is_closed, never, least(attempts.read_ms, attempts.clicked_ms, attempts.replied_ms)) AS first_read_ms
SELECT
    account, bucket, message_id, step,
    -- A message whose only row has step 1 is single; a collision of hashes only sends one the longer way.
    cityHash64(message_id) IN
        (SELECT cityHash64(message_id) FROM attempts
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND step > 1) AS multi,
    submitted_ms, id_ms, channel, provider, campaign, template, sender, app, operator,
    -- recipient_country ends in NUL where no country is known, else in NUL and two letters. What events say counts of
    -- what is no phone number.
    multiIf(said_country != '' AND NOT startsWith(recipient_country, '+'), said_country,
            endsWith(recipient_country, '\0'), '', substring(recipient_country, -2)) AS country,
    traffic, trigger, if(empty(prices), '', arrayStringConcat(mapKeys(prices), ',')) AS currencies,
    sms_segments, sms_measure,
    -- Prices of parts add up; where there are no parts, the greatest counts.
    multiIf(empty(attempts.prices) OR NOT arrayExists(k -> length(k) > 3, mapKeys(attempts.prices)), attempts.prices,
            parts >= 2, arrayReduce('sumMap', arrayMap((k, v) -> map(substring(k, 1, 3), v), mapKeys(attempts.prices),
                mapValues(attempts.prices))),
            arrayReduce('maxMap', arrayMap((k, v) -> map(substring(k, 1, 3), v), mapKeys(attempts.prices),
                mapValues(attempts.prices)))) AS prices,
    least(accepted_ms, sent_ms) AS sent_at_ms, queued_ms,
    if(is_closed, never, least(whole_delivered_ms, machine_ms, first_read_ms)) AS delivered_at_ms,
    first_read_ms AS read_at_ms,
    if(is_closed, never, attempts.clicked_ms) AS clicked_ms, if(is_closed, never, attempts.replied_ms) AS replied_ms,
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
        OR delivered_parts != 0)) AS is_lowered,
    cityHash64(channel, provider, operator, country, traffic, sender, app, trigger, currencies) AS leg,
    is_sent + 2 * is_delivered + 4 * is_read + 8 * is_failed
        + if(is_dialog AND dialog_key IN (SELECT sipHash128(account, bucket, message_id, step) FROM dialogs
             WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND generation = {generation:UInt64}
                 AND conversation = 1), 16, 0)
        + if(is_dialog AND dialog_key IN (SELECT sipHash128(account, bucket, message_id, step) FROM dialogs
             WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND generation = {generation:UInt64}
                 AND outside = 1), 32, 0)
        + 128 * is_not_billed + 256 * toUInt32(segments) AS code,
    own_recipient AS recipient, contact, bitCount(recipient_mark) > 16 AS readdressed,
    if(last_error = '', attempts.error_code, substring(last_error, 14)) AS error_code,
    if(last_error = '', 0, toInt64(left(last_error, 13))) AS error_ms,
    permanent, expired_ms < never OR bitAnd(part_failures, 4) != 0 AS is_expired
FROM attempts FINAL
WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
    AND ({slices:UInt32} = 1 OR cityHash64(message_id) % {slices:UInt32} = {slice:UInt32})
    -- Messages that are stored in more than one bucket count at home.
    AND (account, bucket, message_id) NOT IN
        (SELECT account, bucket, message_id FROM splits
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
SETTINGS do_not_merge_across_partitions_select_final = 1, max_insert_threads = 2
