{{- /* All that a row about people is told apart by, in a number: there are nearly as many rows as attempts. */ -}}
{{define "person_row" -}}
cityHash64({{.}}.account, {{.}}.bucket, {{.}}.cohort, {{.}}.person, {{.}}.other, {{.}}.way, {{.}}.delivered_ms,
    {{.}}.error_code, {{.}}.told_ms, {{.}}.failed_ms)
{{- end -}}
-- Sums what is published of the people of whole days under a build id. Parameter: build. External table: days (account,
-- day). What any() takes is what is hashed.
INSERT INTO rollup_people
    (kind, account, day, edition, bucket, cohort, person, other, way, delivered_ms, error_code, told_ms, failed_ms,
     attempts, messages)
SELECT
    'quarter', any(c.account), any(c.day), {build:UInt64}, any(c.bucket), any(c.cohort), any(c.person), any(c.other),
    any(c.way), any(c.delivered_ms), any(c.error_code), any(c.told_ms), any(c.failed_ms), sum(c.attempts) AS d1,
    sum(c.messages) AS d2
FROM
(
    SELECT p.*
    {{template "published_days" "rollup_people"}}
) AS c
GROUP BY {{template "person_row" "c"}}
HAVING (d1, d2) != (0, 0)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
