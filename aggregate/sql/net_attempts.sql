-- How the cells of hours that were computed whole differ from those published (docs/definitions.md sections 1 and 3).
-- Parameters: generation, as_of (Unix ms: windows that end before it are over). External table: targets (account, bucket).
{{define "net_attempts" -}}
SELECT
    account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
    trigger,
    closes,
    sum(c.attempted) AS d1, sum(c.sent) AS d2, sum(c.delivered) AS d3, sum(c.read) AS d4, sum(c.clicked) AS d5,
    sum(c.replied) AS d6, sum(c.failed) AS d7, sum(c.pending) AS d8, sum(c.skipped) AS d9, sum(c.skewed) AS d10,
    sum(c.machine_opened) AS d11, sum(c.lowered) AS d12, sum(c.timed) AS d13, sum(c.in_1m) AS d14,
    sum(c.in_24h) AS d15, sum(c.read_in_24h) AS d16,
    {{template "histograms" "c.to_deliver"}} AS h1, {{template "histograms" "c.to_read"}} AS h2,
    {{template "histograms" "c.to_reply"}} AS h3,
    max(c.cohort_max_ms) AS cohort_latest_ms
FROM
(
    SELECT *, {{template "open_window_end" "window_end"}} AS closes
    FROM whole_attempts
    WHERE edition = {generation:UInt64}
    UNION ALL
    SELECT p.* REPLACE (-p.attempted AS attempted, -p.sent AS sent, -p.delivered AS delivered, -p.read AS read, -p.clicked AS clicked,
        -p.replied AS replied, -p.failed AS failed, -p.pending AS pending, -p.skipped AS skipped, -p.skewed AS skewed,
        -p.machine_opened AS machine_opened, -p.lowered AS lowered, -p.timed AS timed, -p.in_1m AS in_1m,
        -p.in_24h AS in_24h, -p.read_in_24h AS read_in_24h,
        {{template "negative" "p.to_deliver"}} AS to_deliver,
        {{template "negative" "p.to_read"}} AS to_read,
        {{template "negative" "p.to_reply"}} AS to_reply),
        {{template "open_window_end" "p.window_end"}} AS closes
    {{template "published" "rollup_attempts"}}
) AS c
GROUP BY
    account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
    trigger,
    closes
HAVING (d1, d2, d3, d4, d5, d6, d7, d8) != (0, 0, 0, 0, 0, 0, 0, 0)
    OR (d9, d10, d11, d12, d13, d14, d15, d16) != (0, 0, 0, 0, 0, 0, 0, 0)
    OR notEmpty(h1) OR notEmpty(h2) OR notEmpty(h3)
{{- end -}}
INSERT INTO rollup_attempts
    (kind, day, edition,
    account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
    trigger, window_end, attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed,
    machine_opened, lowered, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read, to_reply, cohort_max_ms)
SELECT 'difference', toDate(cohort), {generation:UInt64}, *
FROM
(
{{template "net_attempts"}}
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
