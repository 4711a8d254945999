-- How the cells of hours that were computed whole differ from those published: sent SMS that waste segments.
-- Parameter: generation. External table: targets (account, bucket).
{{define "net_waste" -}}
SELECT
    account, bucket, cohort, campaign, template, leg, code, sms_segments, sms_measure,
    sum(c.attempts) AS d1, max(c.cohort_max_ms) AS cohort_latest_ms
FROM
(
    SELECT * FROM whole_waste WHERE edition = {generation:UInt64}
    UNION ALL
    SELECT p.* REPLACE (-p.attempts AS attempts)
    {{template "published" "rollup_waste"}}
) AS c
GROUP BY
    account, bucket, cohort, campaign, template, leg, code, sms_segments, sms_measure
HAVING d1 != 0
{{- end -}}
INSERT INTO rollup_waste
    (kind, day, edition,
    account, bucket, cohort, campaign, template, leg, code, sms_segments, sms_measure, attempts, cohort_max_ms)
SELECT 'difference', toDate(cohort), {generation:UInt64}, *
FROM
(
{{template "net_waste"}}
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
