-- Which of these hours are cold. External table: targets (account, bucket).
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000
FROM cold_hours FINAL
WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND cold = 1
