-- Counts messages by shape. Parameters: generation, folded, heads.
INSERT INTO rollup_cascades
SELECT
    account, bucket, {generation:UInt64} AS generation, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000),
        'UTC')) AS cohort,
    campaign, template, shape, reported_currency, sum(messages) AS messages,
    sum(toInt128(reported_micros)) AS reported_micros,
    max(cohort_ms) AS cohort_max_ms
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
GROUP BY account, bucket, cohort, campaign, template, shape, reported_currency
SETTINGS optimize_aggregation_in_order = 0, insert_deduplicate = 0, max_partitions_per_insert_block = 0,
    max_insert_threads = 1
