{{- /* Which rows of people readers see (visible.sql), as versions: of an account and day those of its newest build, and of later editions. And whether any
of these changed a day of the period. */ -}}
SELECT groupArray(cityHash64(account, day, seen)), countIf(seen > base AND {{template "days" .}}) > 0
FROM
(
    SELECT account, day, max(build) AS base, arrayJoin(arrayFilter(e -> e >= base, groupUniqArray(edition))) AS seen
    FROM
    (
        SELECT account, day, edition, toUInt64(0) AS build FROM day_changes WHERE {{template "known_edition"}}{{template "of_accounts" .}}
        UNION ALL
        SELECT account, day, build AS edition, build FROM builds WHERE {{template "known_edition"}}{{template "of_accounts" .}}
    )
    GROUP BY account, day
)
{{- define "known_edition"}}edition <= {edition:UInt64} AND NOT has({dead:Array(UInt64)}, edition){{end}}
