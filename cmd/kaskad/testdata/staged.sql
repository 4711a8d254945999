-- The events of which these attempts are made, a row each as table events takes them, in the order of their times.
INSERT INTO staged (account, bucket, message_id, step, status, occurred_ms, submitted_ms, id_ms, channel, provider, campaign, template, sender, app, operator,
    traffic, trigger, recipient_country, said_country, contact, segments, sms_segments, sms_measure, parts, part, error_code, permanent, billable, currency, price_micros)
SELECT account, bucket, message_id, step, e.1 AS status, e.2 AS occurred_ms, if(submitted_ms = never, 0, submitted_ms), if(id_ms = never, 0, id_ms), channel,
    provider, campaign, template, sender, app, operator, traffic, trigger, recipient_country, said_country, contact, segments, sms_segments, sms_measure, parts,
    e.3 AS part, if(status BETWEEN 8 AND 11, substring(last_error, 14), ''), permanent, billable,
    if(empty(prices), '', splitByChar(' ', mapKeys(prices)[1])[1]), if(empty(prices), 0, mapValues(prices)[1])
FROM (
    WITH 9999999999999 AS never
    SELECT *, never,
        arrayFilter(e -> e.2 != never, arrayZip(range(1, 13), [queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms,
            rejected_ms, expired_ms, failed_ms, skipped_ms], arrayWithConstant(12, 0))) AS wholes,
        arrayMap(p -> (4, parts_delivered_ms, p), arrayFilter(p -> bitAnd(delivered_parts, bitShiftLeft(toUInt256(1), p - 1)) != 0, range(1, parts + 1))) AS delivered
    FROM {facts:Identifier}.attempts FINAL)
ARRAY JOIN arrayConcat(wholes, delivered) AS e
ORDER BY occurred_ms
SETTINGS max_partitions_per_insert_block = 0
