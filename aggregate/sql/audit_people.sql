-- What is published of the people of hours, as cells.PeopleHash: a hash of each row, times what the row counts. External
-- table: targets (account, bucket).
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, toUInt64(sum(hash * attempts)), toUInt64(sum(hash * messages))
FROM
(
    SELECT p.account AS account, p.bucket AS bucket, p.attempts AS attempts, p.messages AS messages,
        xxHash64(concat(reinterpretAsFixedString(toUnixTimestamp(p.cohort)), reinterpretAsFixedString(p.person),
            reinterpretAsFixedString(p.other), reinterpretAsFixedString(p.delivered_ms), reinterpretAsFixedString(p.told_ms),
            reinterpretAsFixedString(p.failed_ms), toString(p.way), '\0', toString(p.error_code))) AS hash
    {{template "published" "rollup_people"}}
)
GROUP BY account, bucket
SETTINGS join_use_nulls = 0, max_threads = 2
