-- What the report's cells depend on, as a fingerprint: as long as it is the same, so are they.
SELECT count(), groupBitXor(sipHash64({{if not .Single}}account, {{end}}bucket, newest)), sum(cityHash64({{if not .Single}}account, {{end}}bucket, newest))
FROM
(
    {{- template "visible" .}}
)
