-- Sums what is published of whole days under a build id: by quarter hours, over the day, and over the day by channel
-- and provider alone. Parameters: build, as_of (Unix ms: windows that end before it are over). External table: days
-- (account, day).
INSERT INTO rollup_attempts
    (account, kind, day, edition, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country,
     traffic, step, trigger, window_end, attempted, sent, delivered, read, clicked, replied, failed, pending, skipped,
     skewed, machine_opened, lowered, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read, to_reply, cohort_max_ms)
SELECT
    account, sum_kind, day, {build:UInt64}, sum_bucket, sum_cohort, channel, provider, any(c.campaign), any(c.template),
    any(c.sender), any(c.app), any(c.operator), any(c.country), any(c.traffic), any(c.step), any(c.trigger), window_end,
    sum(c.attempted) AS d1, sum(c.sent) AS d2, sum(c.delivered) AS d3, sum(c.read) AS d4, sum(c.clicked) AS d5,
    sum(c.replied) AS d6, sum(c.failed) AS d7, sum(c.pending) AS d8, sum(c.skipped) AS d9, sum(c.skewed) AS d10,
    sum(c.machine_opened) AS d11, sum(c.lowered) AS d12, sum(c.timed) AS d13, sum(c.in_1m) AS d14,
    sum(c.in_24h) AS d15, sum(c.read_in_24h) AS d16,
    {{template "histograms" "c.to_deliver"}} AS h1, {{template "histograms" "c.to_read"}} AS h2,
    {{template "histograms" "c.to_reply"}} AS h3, max(c.cohort_max_ms)
FROM
(
    SELECT
        p.account AS account, p.day AS day, sum_kind, p.channel AS channel, p.provider AS provider,
        if(sum_kind = 'quarter', p.bucket, toDateTime(0, 'UTC')) AS sum_bucket,
        if(sum_kind = 'quarter', p.cohort, toDateTime(p.day, 'UTC')) AS sum_cohort,
        sum_kind = 'route' AS is_route, if(is_route, '', p.campaign) AS campaign,
        if(is_route, '', p.template) AS template, if(is_route, '', p.sender) AS sender, if(is_route, '', p.app) AS app,
        if(is_route, '', p.operator) AS operator, if(is_route, '', p.country) AS country,
        if(is_route, '', p.traffic) AS traffic, if(is_route, 0, p.step) AS step, if(is_route, '', p.trigger) AS trigger,
        if(is_route, 0, cityHash64(p.campaign, p.template, p.sender, p.app, p.operator, p.country, p.traffic, p.step,
            p.trigger)) AS dimensions,
        {{template "open_window_end" "p.window_end"}} AS window_end,
        p.attempted AS attempted, p.sent AS sent, p.delivered AS delivered, p.read AS read, p.clicked AS clicked,
        p.replied AS replied, p.failed AS failed, p.pending AS pending, p.skipped AS skipped, p.skewed AS skewed,
        p.machine_opened AS machine_opened, p.lowered AS lowered, p.timed AS timed, p.in_1m AS in_1m,
        p.in_24h AS in_24h, p.read_in_24h AS read_in_24h, p.to_deliver AS to_deliver, p.to_read AS to_read,
        p.to_reply AS to_reply, p.cohort_max_ms AS cohort_max_ms
    FROM
    (
        SELECT p.*
        {{template "published_days" "rollup_attempts"}}
    ) AS p
    ARRAY JOIN ['quarter', 'day', 'route'] AS sum_kind
) AS c
-- What any() takes is what is hashed.
GROUP BY account, sum_kind, day, sum_bucket, sum_cohort, channel, provider, window_end, dimensions
HAVING (d1, d2, d3, d4, d5, d6, d7, d8) != (0, 0, 0, 0, 0, 0, 0, 0)
    OR (d9, d10, d11, d12, d13, d14, d15, d16) != (0, 0, 0, 0, 0, 0, 0, 0)
    OR notEmpty(h1) OR notEmpty(h2) OR notEmpty(h3)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
