-- Computes the cells of rollup_attempts for the buckets of one generation, from facts alone (docs/definitions.md section 1 and 3).
-- Parameters: generation, as_of (Unix ms: windows that end before it are over). External table: targets (account, bucket).
INSERT INTO rollup_attempts
WITH
    9999999999999 AS never,
    -- An attempt is skewed when it is delivered more than a minute before it starts.
    -60000 AS tolerance,
    log(1.02) AS log_growth
SELECT
    account, bucket, {generation:UInt64} AS generation,
    toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort,
    channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger,
    countIf(NOT is_skipped) AS attempted, countIf(is_sent) AS sent, countIf(is_delivered) AS delivered, countIf(is_read) AS read,
    countIf(clicked_ms < never) AS clicked, countIf(replied_ms < never) AS replied, countIf(is_failed) AS failed,
    countIf(NOT is_skipped AND NOT is_delivered AND NOT is_failed) AS pending, countIf(is_skipped) AS skipped, countIf(is_skewed) AS skewed,
    countIf(over_1m AND to_deliver_ms <= 60000) AS delivered_1m_num, countIf(over_1m) AS delivered_1m_den,
    countIf(over_24h AND to_deliver_ms <= 86400000) AS delivered_24h_num, countIf(over_24h) AS delivered_24h_den,
    countIf(over_24h AND to_read_ms <= 86400000) AS read_24h_num, countIf(over_24h) AS read_24h_den,
    -- Latency cells of schema.LatencyCellMS.
    sumMapIf(map(if(to_deliver_ms <= 0, 0, 1 + ceil(log(to_deliver_ms) / log_growth))::UInt16, 1::UInt64), is_timed AND is_delivered) AS to_deliver,
    sumMapIf(map(if(to_read_ms <= 0, 0, 1 + ceil(log(to_read_ms) / log_growth))::UInt16, 1::UInt64), is_timed AND is_read) AS to_read,
    sumMapIf(map(if(to_reply_ms <= 0, 0, 1 + ceil(log(to_reply_ms) / log_growth))::UInt16, 1::UInt64), is_timed AND replied_ms < never) AS to_reply,
    min(cohort_ms) AS cohort_min_ms, max(cohort_ms) AS cohort_max_ms,
    min(multiIf(NOT is_sent OR NOT is_timed, never, start_ms + 60000 >= {as_of:Int64}, start_ms + 60001,
                start_ms + 86400000 >= {as_of:Int64}, start_ms + 86400001, never)) AS due_ms
FROM
(
    SELECT
        *,
        is_delivered AND start_ms < never AND to_deliver_ms < tolerance AS is_skewed,
        start_ms < never AND NOT is_skewed AS is_timed,
        is_sent AND is_timed AND start_ms + 60000 < {as_of:Int64} AS over_1m,
        is_sent AND is_timed AND start_ms + 86400000 < {as_of:Int64} AS over_24h
    FROM
    (
        SELECT
            account, bucket, step, channel, provider, campaign, template, sender, app, operator, traffic, trigger, clicked_ms, replied_ms,
            -- recipient_country ends in NUL where no country is known, else in NUL and two letters.
            if(endsWith(recipient_country, '\0'), '', substring(recipient_country, -2)) AS country,
            if(message_submitted_ms < never, message_submitted_ms, message_id_ms) AS cohort_ms,
            if(parts >= 2 AND bitCount(delivered_parts) = parts, parts_delivered_ms, never) AS parts_done_ms,
            least(read_ms, clicked_ms, replied_ms) AS read_at_ms,
            least(delivered_ms, parts_done_ms, read_at_ms) AS delivered_at_ms,
            read_at_ms < never AS is_read,
            delivered_at_ms < never AS is_delivered,
            -- A failure of a part counts only while that part is undelivered.
            NOT is_delivered AND (least(undelivered_ms, rejected_ms, expired_ms, failed_ms) < never
                                  OR bitAnd(failed_parts, bitNot(delivered_parts)) != 0) AS is_failed,
            is_delivered OR least(accepted_ms, sent_ms, undelivered_ms, expired_ms) < never
                OR delivered_parts != 0 OR bitAnd(part_failures, 5) != 0 AS is_sent,
            skipped_ms < never AND NOT is_sent AND NOT is_failed AS is_skipped,
            multiIf(least(accepted_ms, sent_ms) < never, least(accepted_ms, sent_ms), queued_ms < never, queued_ms,
                    step = 1, cohort_ms, never) AS start_ms,
            delivered_at_ms - start_ms AS to_deliver_ms,
            read_at_ms - start_ms AS to_read_ms,
            replied_ms - start_ms AS to_reply_ms
        FROM
        (
            SELECT *, min(submitted_ms) OVER message AS message_submitted_ms, min(id_ms) OVER message AS message_id_ms
            FROM attempts FINAL
            WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
                -- Messages that are stored in more than one bucket count at home.
                AND (account, bucket, message_id) NOT IN (SELECT account, bucket, message_id FROM splits)
            WINDOW message AS (PARTITION BY account, bucket, message_id)
        )
        WHERE cohort_ms < never
    )
)
GROUP BY account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_aggregation_in_order = 0, insert_deduplicate = 0,
    max_partitions_per_insert_block = 0, max_insert_threads = 1
