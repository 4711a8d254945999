-- Folds the attempts of a slice of the pass's buckets and derives what definitions.md section 1 derives of an attempt
-- by itself.
-- Parameters: folded, generation (of the dialogs of these buckets), slice, slices. External table: targets (account,
-- bucket).
INSERT INTO {folded:Identifier}
WITH
    {{never}} AS never,
    channel IN {dialog_channels:Array(String)} AS is_dialog,
    -- One number is looked up three times as fast as four columns; at 128 bits two never meet.
    if(is_dialog, sipHash128(account, bucket, message_id, step), '') AS dialog_key,
    -- A delivery that was stored after the dialogs were read has no units yet; it waits for the next pass, as if it
    -- came after this one.
    is_dialog AND dialog_key NOT IN (SELECT sipHash128(account, bucket, message_id, step) FROM dialogs
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
            AND generation = {generation:UInt64}) AS is_undecided,
    is_dialog AND dialog_key IN (SELECT sipHash128(account, bucket, message_id, step) FROM dialogs
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
            AND generation = {generation:UInt64} AND conversation = 1) AS has_conversation,
    is_dialog AND dialog_key IN (SELECT sipHash128(account, bucket, message_id, step) FROM dialogs
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
            AND generation = {generation:UInt64} AND outside = 1) AS is_outside,
    {{template "facts" "is_undecided"}}
SELECT
    account, bucket, message_id, step,
    -- A message whose only row has step 1 is single; a collision of hashes only sends one the longer way.
    cityHash64(message_id) IN
        (SELECT cityHash64(message_id) FROM attempts
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND step > 1) AS multi,
    submitted_ms, id_ms, channel, provider, campaign, template, sender, app, operator,
    {{template "country"}} AS country,
    traffic, trigger, if(empty(prices), '', arrayStringConcat(mapKeys(prices), ',')) AS currencies,
    sms_segments, sms_measure,
    {{template "prices"}} AS prices,
    {{template "outcome"}},
    cityHash64(channel, provider, operator, country, traffic, sender, app, trigger, currencies) AS leg,
    {{template "code"}} AS code,
    {{template "recipient"}} AS recipient, contact, bitCount(recipient_mark) > 16 AS readdressed,
    {{template "error_code"}} AS error_code,
    {{template "error_ms"}} AS error_ms,
    permanent, {{template "is_expired"}} AS is_expired
FROM attempts FINAL
WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
    AND ({slices:UInt32} = 1 OR cityHash64(message_id) % {slices:UInt32} = {slice:UInt32})
    -- Messages that are stored in more than one bucket count at home.
    AND (account, bucket, message_id) NOT IN
        (SELECT account, bucket, message_id FROM splits
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
SETTINGS do_not_merge_across_partitions_select_final = 1, max_insert_threads = 2
