-- The attempts of one message in all hours that it may be in. Facts merge, so an hour that was copied to another (table splits)
-- may be read along with it.
SELECT {{template "attempt_columns"}}
FROM attempts FINAL
WHERE {{template "place" .}}
ORDER BY account, bucket, step
LIMIT 10000
{{- define "place"}}message_id = {id:String}
{{- if .Account}} AND account = {account:String}{{end}}
{{- if .Bucket}}
    AND bucket = toDateTime({bucket:UInt32}, 'UTC')
{{- else}}
    AND (account, bucket) IN
    (
        SELECT account, bucket FROM located WHERE message_id = {id:String}{{if .Account}} AND account = {account:String}{{end}}
        UNION ALL
        SELECT account, home FROM splits WHERE message_id = {id:String}{{if .Account}} AND account = {account:String}{{end}}
    )
{{- end}}{{end}}
