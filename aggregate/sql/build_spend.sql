-- Sums what is published of whole days under a build id: by quarter hours, and over the day. Parameter: build. External
-- table: days (account, day).
INSERT INTO rollup_spend
    (account, kind, day, edition, bucket, cohort, campaign, template, step, leg, code, computed_segments, shape, message_segments, message_template,
     reported, attempts, cohort_max_ms)
SELECT
    account, sum_kind, day, {build:UInt64}, sum_bucket, sum_cohort, campaign, template, step, any(c.leg), any(c.code), computed_segments, shape, any(c.message_segments), message_template,
    mapFilter((currency, sum) -> sum != 0, sumMap(c.reported)) AS d1, sum(c.attempts) AS d2, max(c.cohort_max_ms)
FROM
(
    SELECT p.*, sum_kind, if(sum_kind = 'quarter', p.bucket, toDateTime(0, 'UTC')) AS sum_bucket,
        if(sum_kind = 'quarter', p.cohort, toDateTime(p.day, 'UTC')) AS sum_cohort
    FROM
    (
        SELECT p.*
        {{template "published_days" "rollup_spend"}}
    ) AS p
    ARRAY JOIN ['quarter', 'day'] AS sum_kind
) AS c
GROUP BY account, sum_kind, day, sum_bucket, sum_cohort, campaign, template, step, computed_segments, shape, message_template
HAVING d2 != 0 OR notEmpty(d1)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
