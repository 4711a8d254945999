-- Computes the cells of rollup_attempts from folded attempts (docs/definitions.md section 1 and 3).
-- Parameters: generation, as_of (Unix ms: windows that end before it are over), folded, heads.
INSERT INTO rollup_attempts
WITH
    {{never}} AS never,
    log(1.02) AS log_growth,
    -- Latency cells of schema.LatencyCellMS, and where runs of equal ones end in a sorted list of them: three times as
    -- fast as sumMap.
    ms -> if(ms <= 0, 0, 1 + ceil(log(ms) / log_growth))::UInt16 AS latency_cell,
    cells -> arrayFilter((i, cell, next) -> cell != next, arrayEnumerate(cells), cells,
        arrayShiftLeft(cells, 1, 65535::UInt16)) AS run_ends,
    (cells, ends) -> CAST((arrayMap(i -> cells[i], ends),
        arrayMap((i, before) -> (i - before)::UInt64, ends, arrayShiftRight(ends, 1, 0))),
                          'Map(UInt16, UInt64)') AS histogram
SELECT
    account, bucket, {generation:UInt64}, cohort, channel, provider, campaign, template, sender, app, operator, country,
    traffic, step, trigger,
    attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed, machine_opened, lowered,
    delivered_1m_num, delivered_1m_den, delivered_24h_num, delivered_24h_den, read_24h_num, read_24h_den,
    histogram(to_deliver, run_ends(to_deliver)), histogram(to_read, run_ends(to_read)),
    histogram(to_reply, run_ends(to_reply)),
    cohort_min_ms, cohort_max_ms, due_ms
FROM
(
    SELECT
        account, bucket, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort, campaign,
        template, step,
        -- A leg is a hash of these, and one number is a key that costs a fifth of eight texts.
        any(f.channel) AS channel, any(f.provider) AS provider, any(f.sender) AS sender, any(f.app) AS app,
        any(f.operator) AS operator,
        any(f.country) AS country, any(f.traffic) AS traffic, any(f.trigger) AS trigger,
        countIf(NOT is_skipped) AS attempted, countIf(is_sent) AS sent, countIf(is_delivered) AS delivered,
        countIf(is_read) AS read,
        countIf(clicked_ms < never) AS clicked, countIf(replied_ms < never) AS replied, countIf(is_failed) AS failed,
        countIf(NOT is_skipped AND NOT is_delivered AND NOT is_failed) AS pending, countIf(is_skipped) AS skipped,
        countIf(is_skewed) AS skewed,
        countIf(is_machine_opened) AS machine_opened, countIf(is_lowered) AS lowered,
        countIf(over_1m AND to_deliver_ms <= 60000) AS delivered_1m_num, countIf(over_1m) AS delivered_1m_den,
        countIf(over_24h AND to_deliver_ms <= 86400000) AS delivered_24h_num, countIf(over_24h) AS delivered_24h_den,
        countIf(over_24h AND to_read_ms <= 86400000) AS read_24h_num, countIf(over_24h) AS read_24h_den,
        arraySort(groupArrayIf(latency_cell(to_deliver_ms), is_timed AND is_delivered)) AS to_deliver,
        arraySort(groupArrayIf(latency_cell(to_read_ms), is_timed AND is_read)) AS to_read,
        arraySort(groupArrayIf(latency_cell(to_reply_ms), is_timed AND replied_ms < never)) AS to_reply,
        min(cohort_ms) AS cohort_min_ms, max(cohort_ms) AS cohort_max_ms,
        min(multiIf(NOT is_sent OR NOT is_timed, never, start_ms + 60000 >= {as_of:Int64}, start_ms + 60001,
                    start_ms + 86400000 >= {as_of:Int64}, start_ms + 86400001, never)) AS due_ms
    FROM
    (
        SELECT
            account, bucket, campaign, template, step, leg, channel, provider, sender, app, operator, country, traffic,
            trigger,
            is_skipped, is_sent, is_delivered, is_read, is_machine_opened, is_failed, is_lowered, clicked_ms,
            replied_ms, cohort_ms,
            {{template "start_ms" "step"}} AS start_ms,
            delivered_at_ms - start_ms AS to_deliver_ms,
            read_at_ms - start_ms AS to_read_ms,
            replied_ms - start_ms AS to_reply_ms,
            {{template "is_skewed"}} AS is_skewed,
            start_ms < never AND NOT is_skewed AS is_timed,
            is_sent AND is_timed AND start_ms + 60000 < {as_of:Int64} AS over_1m,
            is_sent AND is_timed AND start_ms + 86400000 < {as_of:Int64} AS over_24h
        FROM
        (
            SELECT account, bucket, campaign, template, step, leg, channel, provider, sender, app, operator, country,
                traffic, trigger,
                is_skipped, is_sent, is_delivered, is_read, is_machine_opened, is_failed, is_lowered, sent_at_ms,
                queued_ms, delivered_at_ms, read_at_ms, clicked_ms, replied_ms,
                {{template "cohort_ms" ""}} AS cohort_ms
            FROM {folded:Identifier}
            WHERE NOT multi
            UNION ALL
            SELECT f.account, f.bucket, f.campaign, f.template, step, leg, channel, provider, sender, app, operator,
                country, traffic, trigger,
                is_skipped, is_sent, is_delivered, is_read, is_machine_opened, is_failed, is_lowered, sent_at_ms,
                queued_ms, delivered_at_ms, read_at_ms, clicked_ms, replied_ms,
                h.cohort_ms
            FROM {folded:Identifier} AS f
            INNER JOIN {heads:Identifier} AS h ON h.account = f.account AND h.bucket = f.bucket
                AND h.message_id = f.message_id
            WHERE f.multi
        )
        WHERE cohort_ms < never
    ) AS f
    GROUP BY account, bucket, cohort, campaign, template, leg, step
)
SETTINGS optimize_aggregation_in_order = 0, insert_deduplicate = 0, max_partitions_per_insert_block = 0,
    max_insert_threads = 1
