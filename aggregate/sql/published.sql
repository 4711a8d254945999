{{- /* The rows of a rollup that readers see now, as p: the sums of each day's newest build, and what editions have
changed since. Rows of an edition that was begun and not published don't count, which holds for the pass's own. */ -}}
{{define "is_published" -}}
(p.kind = 'quarter' AND p.edition = b.newest
        OR p.kind = 'difference' AND p.edition > b.newest AND p.edition NOT IN ({{template "unpublished"}}))
{{- end}}

{{- /* Those of the pass's buckets, which its cells take the place of. External table: targets (account, bucket). */ -}}
{{define "published" -}}
FROM {{.}} AS p
LEFT ANY JOIN
(
    SELECT account, day, max(build) AS newest
    FROM builds
    WHERE account IN (SELECT account FROM targets) AND build NOT IN ({{template "unpublished"}})
    GROUP BY account, day
) AS b ON b.account = p.account AND b.day = p.day
WHERE (p.account, p.bucket) IN (SELECT account, bucket FROM targets)
    AND p.account IN (SELECT account FROM targets) AND p.bucket IN (SELECT bucket FROM targets)
    AND p.kind IN ('difference', 'quarter') AND {{template "is_published"}}
{{- end}}

{{- /* Those of whole days. External table: days (account, day). */ -}}
{{define "published_days" -}}
FROM {{.}} AS p
LEFT ANY JOIN
(
    SELECT account, day, max(build) AS newest
    FROM builds
    WHERE (account, day) IN (SELECT account, day FROM days) AND build NOT IN ({{template "unpublished"}})
    GROUP BY account, day
) AS b ON b.account = p.account AND b.day = p.day
WHERE p.account IN (SELECT account FROM days) AND p.kind IN ('difference', 'quarter')
    AND p.day IN (SELECT day FROM days)
    AND (p.account, p.day) IN (SELECT account, day FROM days)
    AND {{template "is_published"}}
{{- end}}

{{- /* The quarter hour of a cohort. */ -}}
{{define "quarter"}}toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')){{end}}

{{- /* The end of the windows of a cell, forgotten when the longest of them is over: those who ask later get the
same. */ -}}
{{define "open_window_end" -}}
if(toInt64(toUnixTimestamp({{.}})) * 1000 + {{dayMS}} < {as_of:Int64}, toDateTime(0, 'UTC'), {{.}})
{{- end}}

{{- /* The sum of histograms; sumMap keeps cells that have become empty. */ -}}
{{define "histograms"}}mapFilter((cell, n) -> n != 0, sumMap({{.}})){{end}}

{{- /* A histogram of what is taken away; its counts are modulo 2^64. */ -}}
{{define "negative"}}mapApply((cell, n) -> (cell, -n), {{.}})::Map(UInt16, UInt64){{end}}
