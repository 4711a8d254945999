-- The facts of hours behind a message, as facts.sql has them. Parameter: rows. External tables: targets (account, bucket),
-- slice (from_bucket, from_id).
{{- /* What lies behind the message that was looked at last, up to the last one to look at. */ -}}
{{define "after"}}(bucket > (SELECT from_bucket FROM slice) OR bucket = (SELECT from_bucket FROM slice) AND message_id > (SELECT from_id FROM slice)){{end}}
{{define "slice" -}}
{{template "after"}}
    AND (bucket < (SELECT to_bucket FROM slice) OR bucket = (SELECT to_bucket FROM slice) AND message_id <= (SELECT to_id FROM slice))
{{- end}}
{{template "facts"}}
    AND {{template "after"}}
ORDER BY account, bucket, message_id, step
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 2
