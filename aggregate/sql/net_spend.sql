-- How the cells of hours that were computed whole differ from those published: attempts by all that their price depends on.
-- Parameter: generation. External table: targets (account, bucket).
{{define "net_spend" -}}
SELECT
    account, bucket, cohort, campaign, template, step, leg, code, computed_segments, shape, message_segments,
    message_template,
    mapFilter((currency, sum) -> sum != 0, sumMap(c.reported)) AS d1, sum(c.attempts) AS d2, max(c.cohort_max_ms) AS cohort_latest_ms
FROM
(
    SELECT * FROM whole_spend WHERE edition = {generation:UInt64}
    UNION ALL
    SELECT p.* REPLACE (mapApply((currency, sum) -> (currency, -sum), p.reported) AS reported, -p.attempts AS attempts)
    {{template "published" "rollup_spend"}}
) AS c
GROUP BY
    account, bucket, cohort, campaign, template, step, leg, code, computed_segments, shape, message_segments,
    message_template
HAVING d2 != 0 OR notEmpty(d1)
{{- end -}}
INSERT INTO rollup_spend
    (kind, day, edition,
    account, bucket, cohort, campaign, template, step, leg, code, computed_segments, shape, message_segments,
    message_template, reported, attempts, cohort_max_ms)
SELECT 'difference', toDate(cohort), {generation:UInt64}, *
FROM
(
{{template "net_spend"}}
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
