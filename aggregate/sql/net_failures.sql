-- How the cells of hours that were computed whole differ from those published: failed attempts by error code.
-- Parameter: generation. External table: targets (account, bucket).
{{define "net_failures" -}}
SELECT
    account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
    trigger, error_code, permanent, expired,
    sum(c.failed) AS d1, max(c.cohort_max_ms) AS cohort_latest_ms
FROM
(
    SELECT * FROM whole_failures WHERE edition = {generation:UInt64}
    UNION ALL
    SELECT p.* REPLACE (-p.failed AS failed)
    {{template "published" "rollup_failures"}}
) AS c
GROUP BY
    account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
    trigger, error_code, permanent, expired
HAVING d1 != 0
{{- end -}}
INSERT INTO rollup_failures
    (kind, day, edition,
    account, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step,
    trigger, error_code, permanent, expired, failed, cohort_max_ms)
SELECT 'difference', toDate(cohort), {generation:UInt64}, *
FROM
(
{{template "net_failures"}}
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
