-- All hours that there are, and whether the states of their messages are unknown.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, max(is_cold)
FROM
(
    SELECT DISTINCT account, bucket, false AS is_cold FROM generations
    UNION ALL
    SELECT account, bucket, cold = 1 FROM cold_hours FINAL
)
GROUP BY account, bucket
