-- Sums what is published of whole days under a build id: by quarter hours, and over the day. Parameter: build. External
-- table: days (account, day).
INSERT INTO rollup_failures
    (account, kind, day, edition, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger, error_code, permanent, expired,
     failed, cohort_max_ms)
SELECT
    account, sum_kind, day, {build:UInt64}, sum_bucket, sum_cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger, error_code, permanent, expired,
    sum(c.failed) AS d, max(c.cohort_max_ms)
FROM
(
    SELECT p.*, sum_kind, if(sum_kind = 'quarter', p.bucket, toDateTime(0, 'UTC')) AS sum_bucket,
        if(sum_kind = 'quarter', p.cohort, toDateTime(p.day, 'UTC')) AS sum_cohort
    FROM
    (
        SELECT p.*
        {{template "published_days" "rollup_failures"}}
    ) AS p
    ARRAY JOIN ['quarter', 'day'] AS sum_kind
) AS c
GROUP BY account, sum_kind, day, sum_bucket, sum_cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger, error_code, permanent, expired
HAVING d != 0
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
