-- In which hours the cells that were computed from states differ from those published, in how many, and a hash of the
-- differences. Parameters: generation, as_of. External table: targets (account, bucket).
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, count(), sum(difference)
FROM
(
    SELECT account, bucket, cityHash64(1, toString(tuple(* EXCEPT cohort_latest_ms))) AS difference
    FROM ({{template "net_attempts"}})
    UNION ALL
    SELECT account, bucket, cityHash64(2, toString(tuple(* EXCEPT cohort_latest_ms))) AS difference
    FROM ({{template "net_cascades"}})
    UNION ALL
    SELECT account, bucket, cityHash64(3, toString(tuple(* EXCEPT cohort_latest_ms))) AS difference
    FROM ({{template "net_spend"}})
    UNION ALL
    SELECT account, bucket, cityHash64(4, toString(tuple(* EXCEPT cohort_latest_ms))) AS difference
    FROM ({{template "net_waste"}})
    UNION ALL
    SELECT account, bucket, cityHash64(5, toString(tuple(* EXCEPT cohort_latest_ms))) AS difference
    FROM ({{template "net_failures"}})
)
GROUP BY account, bucket
SETTINGS join_use_nulls = 0
