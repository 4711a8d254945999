-- How the counts of messages by shape differ from those published. Parameters: generation, folded, heads, slice (the first
-- one takes what is published away). External table: targets (account, bucket).
INSERT INTO rollup_cascades
    (account, kind, day, edition, bucket, cohort, campaign, template, shape, reported_currency, messages,
     reported_micros, cohort_max_ms)
SELECT
    account, 'difference', toDate(cohort), {generation:UInt64}, bucket, cohort, campaign, template, shape,
    reported_currency, sum(c.messages) AS d1, sum(c.reported_micros) AS d2, max(c.cohort_max_ms)
FROM
(
    SELECT account, bucket, {{template "quarter"}} AS cohort, campaign, template, shape, reported_currency,
        messages::Int64 AS messages, toInt128(reported_micros) AS reported_micros, cohort_ms AS cohort_max_ms
    FROM
    (
        WITH {{never}} AS never
        SELECT account, bucket, cohort_ms, campaign, template, shape,
            toLowCardinality(if(empty(prices), '', mapKeys(prices)[1])) AS reported_currency,
            1 AS messages, if(empty(prices), 0, mapValues(prices)[1]) AS reported_micros
        FROM
        (
            SELECT account, bucket, {{template "cohort_ms" ""}} AS cohort_ms, campaign, template,
                -- As in heads.sql, for a message of one attempt.
                cityHash64(cityHash64(step, leg, code), sms_segments) AS shape, prices
            FROM {folded:Identifier}
            WHERE NOT multi AND NOT is_skipped AND least(submitted_ms, id_ms) < never
            UNION ALL
            SELECT account, bucket, cohort_ms, campaign, template, shape, prices
            FROM {heads:Identifier}
            WHERE attempted > 0 AND cohort_ms < never
        )
        UNION ALL
        -- Further currencies of the same message; it was counted above.
        SELECT account, bucket, cohort_ms, campaign, template, shape, toLowCardinality(price.1), 0, price.2
        FROM
        (
            SELECT account, bucket, {{template "cohort_ms" ""}} AS cohort_ms, campaign, template,
                cityHash64(cityHash64(step, leg, code), sms_segments) AS shape, prices
            FROM {folded:Identifier}
            WHERE NOT multi AND NOT is_skipped AND least(submitted_ms, id_ms) < never AND length(prices) > 1
            UNION ALL
            SELECT account, bucket, cohort_ms, campaign, template, shape, prices
            FROM {heads:Identifier}
            WHERE attempted > 0 AND cohort_ms < never AND length(prices) > 1
        )
        ARRAY JOIN arraySlice(CAST(prices, 'Array(Tuple(String, Int64))'), 2) AS price
    )
    UNION ALL
    SELECT p.account, p.bucket, p.cohort, p.campaign, p.template, p.shape, p.reported_currency, -p.messages,
        -p.reported_micros, p.cohort_max_ms
    {{template "published" "rollup_cascades"}} AND {slice:UInt32} = 0
) AS c
GROUP BY account, bucket, cohort, campaign, template, shape, reported_currency
HAVING (d1, d2) != (0, 0)
SETTINGS optimize_aggregation_in_order = 0, insert_deduplicate = 0, max_partitions_per_insert_block = 0,
    max_insert_threads = 1
