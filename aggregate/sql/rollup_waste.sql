-- Sent SMS attempts whose message's text is over a boundary by few characters, or UCS-2 for few: the low 8 bits of its
-- measure (schema.PackSMSMeasure). Parameters: generation, folded, heads.
INSERT INTO rollup_waste
WITH {{never}} AS never
SELECT
    account, bucket, {generation:UInt64} AS generation, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000),
        'UTC')) AS cohort,
    campaign, template, leg, code, sms_segments, sms_measure, count() AS attempts
FROM
(
    SELECT account, bucket, {{template "cohort_ms" ""}} AS cohort_ms, campaign, template, leg, code,
        sms_segments, sms_measure
    FROM {folded:Identifier}
    WHERE NOT multi AND channel = 'sms' AND is_sent AND bitAnd(sms_measure, 255) != 0
    UNION ALL
    SELECT h.account, h.bucket, h.cohort_ms, h.campaign, h.template, f.leg, f.code, h.sms_segments, h.sms_measure
    FROM {folded:Identifier} AS f
    INNER JOIN (SELECT * FROM {heads:Identifier} WHERE bitAnd(sms_measure, 255) != 0) AS h
        ON h.account = f.account AND h.bucket = f.bucket AND h.message_id = f.message_id
    WHERE f.multi AND f.channel = 'sms' AND f.is_sent
)
WHERE cohort_ms < never
GROUP BY account, bucket, cohort, campaign, template, leg, code, sms_segments, sms_measure
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1
