-- How what is known of the people of hours that were computed whole differs from what is published. Parameter: generation.
-- External table: targets (account, bucket). What any() takes is what is hashed.
INSERT INTO rollup_people
    (kind, day, edition, account, bucket, cohort, person, other, way, delivered_ms, error_code, told_ms, failed_ms,
     attempts, messages)
SELECT
    'difference', toDate(any(c.cohort)), {generation:UInt64}, any(c.account), any(c.bucket), any(c.cohort),
    any(c.person), any(c.other), any(c.way), any(c.delivered_ms), any(c.error_code), any(c.told_ms), any(c.failed_ms),
    sum(c.attempts) AS d1, sum(c.messages) AS d2
FROM
(
    SELECT * FROM whole_people WHERE edition = {generation:UInt64}
    UNION ALL
    SELECT p.* REPLACE (-p.attempts AS attempts, -p.messages AS messages)
    {{template "published" "rollup_people"}}
) AS c
GROUP BY {{template "person_row" "c"}}
HAVING (d1, d2) != (0, 0)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1, join_use_nulls = 0
