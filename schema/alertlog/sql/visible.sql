{{- /* Cells add up as reports add them up: of each account and day the sums of its newest build and the differences of
later editions, as far as they are published. Parameters: accounts, days (which are read). */ -}}
{{define "seen" -}}
WITH
    (
        SELECT (maxIf(edition, is_published), groupArrayIf(edition, NOT is_published))
        FROM (SELECT edition, max(published) AS is_published FROM editions GROUP BY edition)
    ) AS seen
{{- end}}

{{define "visible" -}}
FROM {{.}} AS r
LEFT ANY JOIN
(
    SELECT account AS of_account, day AS of_day, max(build) AS base
    FROM builds
    WHERE account IN {accounts:Array(String)} AND day IN {days:Array(Date)}
        AND build <= seen.1 AND NOT has(seen.2, build)
    GROUP BY account, day
) AS b ON of_account = r.account AND of_day = r.day
WHERE account IN {accounts:Array(String)} AND day IN {days:Array(Date)}
    AND edition <= seen.1 AND NOT has(seen.2, edition)
    AND if(kind = 'difference', edition > base, edition = base)
{{- end}}
