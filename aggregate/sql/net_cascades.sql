-- How the cells of hours that were computed whole differ from those published: messages by shape.
-- Parameter: generation. External table: targets (account, bucket).
{{define "net_cascades" -}}
SELECT
    account, bucket, cohort, campaign, template, shape, reported_currency,
    sum(c.messages) AS d1, sum(c.reported_micros) AS d2, max(c.cohort_max_ms) AS cohort_latest_ms
FROM
(
    SELECT * FROM whole_cascades WHERE edition = {generation:UInt64}
    UNION ALL
    SELECT p.* REPLACE (-p.messages AS messages, -p.reported_micros AS reported_micros)
    {{template "published" "rollup_cascades"}}
) AS c
GROUP BY
    account, bucket, cohort, campaign, template, shape, reported_currency
HAVING (d1, d2) != (0, 0)
{{- end -}}
INSERT INTO rollup_cascades
    (kind, day, edition,
    account, bucket, cohort, campaign, template, shape, reported_currency, messages, reported_micros, cohort_max_ms)
SELECT 'difference', toDate(cohort), {generation:UInt64}, *
FROM
(
{{template "net_cascades"}}
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
