-- The hours that hold messages of these cohorts and campaigns, with about how many attempts: cells say both, so that no fact of
-- another hour is read. What a row of a cell takes away, or an edition that died, can only name an hour too many.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, greatest(sum(attempted + skipped), 1)
FROM rollup_attempts
WHERE {{if .Accounts}}account IN {accounts:Array(String)} AND {{end -}}
    kind IN ('difference', 'quarter')
    AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC'))
    AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
{{- if .Campaigns}}
    AND campaign IN {campaigns:Array(String)}
{{- end}}
{{- if .Channels}}
    AND channel IN {channels:Array(String)}
{{- end}}
{{- if .After}}
    AND (account, bucket) >= ({after_account:String}, toDateTime({after_bucket:UInt32}, 'UTC'))
{{- end}}
GROUP BY account, bucket
ORDER BY account, bucket
