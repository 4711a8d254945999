{{- define "hours_of" -}}
SELECT account, bucket FROM {{.}}
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
        AND account IN (SELECT account FROM targets) AND bucket IN (SELECT bucket FROM targets)
{{- end -}}
-- Which of these hours have cells that were ever written, or are missed. External table: targets (account, bucket).
SELECT DISTINCT account, toInt64(toUnixTimestamp(bucket)) * 1000
FROM
(
    {{template "hours_of" "rollup_attempts"}}
    UNION ALL {{template "hours_of" "rollup_cascades"}}
    UNION ALL {{template "hours_of" "rollup_spend"}}
    UNION ALL {{template "hours_of" "rollup_waste"}}
    UNION ALL {{template "hours_of" "rollup_failures"}}
    UNION ALL {{template "hours_of" "rollup_people"}}
    UNION ALL {{template "hours_of" "lost_hours"}}
)
