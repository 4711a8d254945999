-- Computes how the cells of rollup_attempts differ from those published (docs/definitions.md sections 1 and 3): the
-- folded attempts, less what is published of their buckets.
-- Parameters: generation, as_of (Unix ms: windows that end before it are over), folded, heads, slice (the first one takes
-- what is published away). External table: targets (account, bucket).
INSERT INTO rollup_attempts
    (account, kind, day, edition, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country,
     traffic, step, trigger, window_end, attempted, sent, delivered, read, clicked, replied, failed, pending, skipped,
     skewed, machine_opened, lowered, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read, to_reply, cohort_max_ms)
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
    account, 'difference', toDate(cohort), {generation:UInt64}, bucket, cohort, any(c.channel), any(c.provider),
    campaign, template, any(c.sender), any(c.app), any(c.operator), any(c.country), any(c.traffic), step,
    any(c.trigger), window_end,
    sum(c.attempted) AS d1, sum(c.sent) AS d2, sum(c.delivered) AS d3, sum(c.read) AS d4, sum(c.clicked) AS d5,
    sum(c.replied) AS d6, sum(c.failed) AS d7, sum(c.pending) AS d8, sum(c.skipped) AS d9, sum(c.skewed) AS d10,
    sum(c.machine_opened) AS d11, sum(c.lowered) AS d12, sum(c.timed) AS d13, sum(c.in_1m) AS d14,
    sum(c.in_24h) AS d15, sum(c.read_in_24h) AS d16,
    {{template "histograms" "c.to_deliver"}} AS h1, {{template "histograms" "c.to_read"}} AS h2,
    {{template "histograms" "c.to_reply"}} AS h3, max(c.cohort_max_ms)
FROM
(
    SELECT
        account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
        trigger, window_end, attempted::Int64 AS attempted, sent::Int64 AS sent, delivered::Int64 AS delivered,
        read::Int64 AS read, clicked::Int64 AS clicked, replied::Int64 AS replied, failed::Int64 AS failed,
        pending::Int64 AS pending, skipped::Int64 AS skipped, skewed::Int64 AS skewed,
        machine_opened::Int64 AS machine_opened, lowered::Int64 AS lowered, timed::Int64 AS timed,
        in_1m::Int64 AS in_1m, in_24h::Int64 AS in_24h, read_in_24h::Int64 AS read_in_24h,
        histogram(deliver_cells, run_ends(deliver_cells)) AS to_deliver,
        histogram(read_cells, run_ends(read_cells)) AS to_read,
        histogram(reply_cells, run_ends(reply_cells)) AS to_reply,
        cohort_max_ms
    FROM
    (
        SELECT
            account, bucket, {{template "quarter"}} AS cohort, campaign, template, step, window_end,
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
            countIf(is_boxed) AS timed,
            countIf(is_boxed AND to_deliver_ms <= 60000) AS in_1m,
            countIf(is_boxed AND to_deliver_ms <= 86400000) AS in_24h,
            countIf(is_boxed AND to_read_ms <= 86400000) AS read_in_24h,
            arraySort(groupArrayIf(latency_cell(to_deliver_ms), is_timed AND is_delivered)) AS deliver_cells,
            arraySort(groupArrayIf(latency_cell(to_read_ms), is_timed AND is_read)) AS read_cells,
            arraySort(groupArrayIf(latency_cell(to_reply_ms), is_timed AND replied_ms < never)) AS reply_cells,
            max(cohort_ms) AS cohort_max_ms
        FROM
        (
            SELECT
                account, bucket, campaign, template, step, leg, channel, provider, sender, app, operator, country,
                traffic, trigger,
                is_skipped, is_sent, is_delivered, is_read, is_machine_opened, is_failed, is_lowered, clicked_ms,
                replied_ms, cohort_ms,
                {{template "start_ms" "step"}} AS start_ms,
                delivered_at_ms - start_ms AS to_deliver_ms,
                read_at_ms - start_ms AS to_read_ms,
                replied_ms - start_ms AS to_reply_ms,
                {{template "is_skewed"}} AS is_skewed,
                start_ms < never AND NOT is_skewed AS is_timed,
                is_sent AND is_timed AS is_boxed,
                -- The first quarter hour that begins when the first minute is over.
                if(is_boxed, toDateTime(intDiv(start_ms + 60000 + 899999, 900000) * 900, 'UTC'),
                    toDateTime(0, 'UTC')) AS first_minute_over,
                {{template "open_window_end" "first_minute_over"}} AS window_end
            FROM
            (
                SELECT account, bucket, campaign, template, step, leg, channel, provider, sender, app, operator,
                    country, traffic, trigger,
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
        GROUP BY account, bucket, cohort, campaign, template, leg, step, window_end
    )
    UNION ALL
    SELECT
        p.account, p.bucket, p.cohort, p.channel, p.provider, p.campaign, p.template, p.sender, p.app, p.operator,
        p.country, p.traffic, p.step, p.trigger, {{template "open_window_end" "p.window_end"}},
        -p.attempted, -p.sent, -p.delivered, -p.read, -p.clicked, -p.replied, -p.failed, -p.pending, -p.skipped,
        -p.skewed, -p.machine_opened, -p.lowered, -p.timed, -p.in_1m, -p.in_24h, -p.read_in_24h,
        {{template "negative" "p.to_deliver"}}, {{template "negative" "p.to_read"}},
        {{template "negative" "p.to_reply"}}, p.cohort_max_ms
    {{template "published" "rollup_attempts"}} AND {slice:UInt32} = 0
) AS c
-- What any() takes is what is hashed.
GROUP BY account, bucket, cohort, campaign, template, step, window_end,
    cityHash64(c.channel, c.provider, c.sender, c.app, c.operator, c.country, c.traffic, c.trigger)
HAVING (d1, d2, d3, d4, d5, d6, d7, d8) != (0, 0, 0, 0, 0, 0, 0, 0)
    OR (d9, d10, d11, d12, d13, d14, d15, d16) != (0, 0, 0, 0, 0, 0, 0, 0)
    OR notEmpty(h1) OR notEmpty(h2) OR notEmpty(h3)
SETTINGS optimize_aggregation_in_order = 0, insert_deduplicate = 0, max_partitions_per_insert_block = 0,
    max_insert_threads = 1
