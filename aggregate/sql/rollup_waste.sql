-- Sent SMS attempts whose message's text is over a boundary by few characters, or UCS-2 for few: the low 8 bits of its
-- measure (schema.PackSMSMeasure); how their counts differ from those published. Parameters: generation, folded, heads,
-- slice (the first one takes what is published away). External table: targets (account, bucket).
INSERT INTO rollup_waste
    (account, kind, day, edition, bucket, cohort, campaign, template, leg, code, sms_segments, sms_measure, attempts,
     cohort_max_ms)
WITH {{never}} AS never
SELECT
    account, 'difference', toDate(cohort), {generation:UInt64}, bucket, cohort, campaign, template, leg, code,
    sms_segments, sms_measure, sum(c.attempts) AS d, max(c.cohort_max_ms)
FROM
(
    SELECT account, bucket, {{template "quarter"}} AS cohort, campaign, template, leg, code, sms_segments, sms_measure,
        1::Int64 AS attempts, cohort_ms AS cohort_max_ms
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
    UNION ALL
    SELECT p.account, p.bucket, p.cohort, p.campaign, p.template, p.leg, p.code, p.sms_segments, p.sms_measure,
        -p.attempts, p.cohort_max_ms
    {{template "published" "rollup_waste"}} AND {slice:UInt32} = 0
) AS c
GROUP BY account, bucket, cohort, campaign, template, leg, code, sms_segments, sms_measure
HAVING d != 0
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1
