-- Counts attempted steps by all that their price depends on, and their message's. Parameters: generation, folded,
-- heads.
INSERT INTO rollup_spend
WITH {{never}} AS never
SELECT
    account, bucket, {generation:UInt64} AS generation, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000),
        'UTC')) AS cohort,
    campaign, template, step, any(leg), any(code), computed_segments, shape, any(message_segments), message_template,
    sumMapIf(CAST(prices, 'Map(String, Int128)'), notEmpty(prices)), count(), max(cohort_ms)
FROM
(
    SELECT account, bucket, {{template "cohort_ms" ""}} AS cohort_ms, campaign, template, step, leg,
        code,
        if(channel = 'sms' AND is_sent AND {{template "segments" "code"}} > 0, sms_segments, 0) AS computed_segments,
        -- As in heads.sql, for a message of one attempt.
        cityHash64(cityHash64(step, leg, code), sms_segments) AS shape, sms_segments AS message_segments,
        if(sms_segments = 0, template, '') AS message_template, prices
    FROM {folded:Identifier}
    WHERE NOT multi AND NOT is_skipped
    UNION ALL
    SELECT f.account, f.bucket, h.cohort_ms, f.campaign, f.template, f.step, f.leg, f.code,
        if(f.channel = 'sms' AND f.is_sent AND {{template "segments" "f.code"}} > 0, f.sms_segments, 0),
        h.shape, h.sms_segments, if(h.sms_segments = 0, h.template, ''), f.prices
    FROM {folded:Identifier} AS f
    INNER JOIN {heads:Identifier} AS h ON h.account = f.account AND h.bucket = f.bucket AND h.message_id = f.message_id
    WHERE f.multi AND NOT f.is_skipped
)
WHERE cohort_ms < never
-- A shape and a step in it decide what any() takes.
GROUP BY account, bucket, cohort, campaign, template, step, computed_segments, shape, message_template
SETTINGS optimize_aggregation_in_order = 0, insert_deduplicate = 0, max_partitions_per_insert_block = 0,
    max_insert_threads = 1
