-- How the counts of attempted steps, by all that their price depends on, and their message's, differ from those
-- published. Parameters: generation, folded, heads, slice (the first one takes what is published away). External table:
-- targets (account, bucket).
INSERT INTO rollup_spend
    (account, kind, day, edition, bucket, cohort, campaign, template, step, leg, code, computed_segments, shape,
     message_segments, message_template, reported, attempts, cohort_max_ms)
WITH {{never}} AS never
SELECT
    account, 'difference', toDate(cohort), {generation:UInt64}, bucket, cohort, campaign, template, step, any(c.leg),
    any(c.code), computed_segments, shape, any(c.message_segments), message_template,
    mapFilter((currency, sum) -> sum != 0, sumMap(c.reported)) AS d1, sum(c.attempts) AS d2, max(c.cohort_max_ms)
FROM
(
    SELECT account, bucket, {{template "quarter"}} AS cohort, campaign, template, step, leg, code, computed_segments,
        shape, message_segments, message_template, CAST(prices, 'Map(LowCardinality(String), Int128)') AS reported,
        1::Int64 AS attempts, cohort_ms AS cohort_max_ms
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
    UNION ALL
    SELECT p.account, p.bucket, p.cohort, p.campaign, p.template, p.step, p.leg, p.code, p.computed_segments, p.shape,
        p.message_segments, p.message_template, mapApply((currency, sum) -> (currency, -sum), p.reported),
        -p.attempts, p.cohort_max_ms
    {{template "published" "rollup_spend"}} AND {slice:UInt32} = 0
) AS c
-- A shape and a step in it decide what any() takes.
GROUP BY account, bucket, cohort, campaign, template, step, computed_segments, shape, message_template
HAVING d2 != 0 OR notEmpty(d1)
SETTINGS optimize_aggregation_in_order = 0, insert_deduplicate = 0, max_partitions_per_insert_block = 0,
    max_insert_threads = 1
