-- The messages of these cohorts that a recipient, or a person, was ever known to be addressed by: what they say now is looked at
-- when they are read.
SELECT DISTINCT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id
FROM attempts_by_recipient
WHERE {{if .Accounts}}account IN {accounts:Array(String)} AND {{end -}}
    {{if .Recipients}}recipient IN {recipients:Array(String)}{{else}}person IN {contacts:Array(String)}{{end}}
    AND cohort_ms >= {from_ms:Int64} AND cohort_ms < {to_ms:Int64}
{{- if .After}}
    AND (account, bucket, message_id) > ({after_account:String}, toDateTime({after_bucket:UInt32}, 'UTC'), {after_id:String})
{{- end}}
ORDER BY account, bucket, message_id
