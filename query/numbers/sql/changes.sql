-- What changed after a place in the feed. One writer gives the numbers of the feed in the order in which rows become visible, so what comes after
-- the last row that was read was not there before. Backwards it is read from a place on.
SELECT seq, account, number, `from`, `to`, at_ms, rule, seen_ms
FROM number_changes
WHERE {{if .Newest}}seq < {before:UInt64}{{else}}seq > {after:UInt64} AND seq <= {head:UInt64}{{end}}
    {{- if .Accounts}} AND account IN {accounts:Array(String)}{{end}}
    {{- if .Number}} AND number = {number:String}{{else}} AND startsWith(number, {prefix:String}){{end}}
    {{- if .To}} AND `to` IN {to:Array(String)}{{end}}
ORDER BY seq{{if .Newest}} DESC{{end}}
{{- if .Limit}}
LIMIT {limit:UInt32}
{{- end}}
