{{- /* What requests begin with: plain statements, one after the other, of which one is left out where its tables are as
they were (look.sql). As parts of one statement they took more than twice as long: ClickHouse plans each scalar subquery
anew wherever it is used. as_of is read before the editions, so what was acknowledged before it is surely in them, and
what they changed comes after those. */ -}}

{{- /* The newest edition that was published, and those that were begun and are not. Publication is one insert of one
block, and the ids only grow: whatever this answers is whole. */ -}}
{{define "editions"}}
SELECT maxIf(edition, is_published), groupArrayIf(edition, NOT is_published)
FROM (SELECT edition, max(published) AS is_published FROM editions GROUP BY edition)
{{end -}}

{{define "changes"}}SELECT count() FROM day_changes{{end -}}

{{- /* The hours that lack facts which were there. */ -}}
{{define "lost"}}
SELECT account, bucket
FROM lost_hours
GROUP BY account, bucket
HAVING argMax(state, version) = 'open'
{{end -}}

{{- /* The newest versions of the lists that prices are made of, 0 where nobody has put one, and what tells these lists
from others of the same versions: a version that two writers were given belongs to one row in the end (listID in package
prices). The last differs when an error map was put or taken back. */ -}}
{{define "lists"}}
SELECT maxIf(newest.1, kind = 'tariffs'), maxIf(newest.1, kind = 'templates'),
    groupBitXorIf(reinterpretAsUInt64(substring(UUIDToNum(newest.2), 9)), kind != 'error_map'),
    sumIf(ids, kind = 'error_map')
FROM
(
    SELECT kind, account, max((version, id)) AS newest, sum(cityHash64(id)) AS ids
    FROM reference
    WHERE kind IN ('tariffs', 'templates', 'error_map')
    GROUP BY kind, account
)
{{end -}}
{{define "routes"}}
SELECT sum(cityHash64(account, channel, provider, version, delivery, reads, bound, settling_days)) FROM routes
{{end -}}

{{- /* What editions from {since} on changed of days. Parameters: since, edition, dead. */ -}}
{{define "days_since"}}
WITH ({edition:UInt64}, {dead:Array(UInt64)}) AS published
{{template "days" "edition >= {since:UInt64}"}}
{{end -}}

{{- /* Who opted out from {since} on, the newest edition that is published and attributed such an opt-out, and the
newest of all. Parameters as above. */ -}}
{{define "opted_out_since"}}
WITH ({edition:UInt64}, {dead:Array(UInt64)}) AS published
SELECT account, maxIf(generation, {{template "seen" "generation"}}), max(generation)
FROM opt_outs
WHERE generation >= {since:UInt64}
GROUP BY account
{{end -}}

{{- /* Of each account and day the newest build, and the newest edition that changed it, 0 where there is none. */ -}}
{{define "days"}}
            SELECT account, day, max(build) AS base, maxIf(edition, build = 0) AS changed
            FROM
            (
                SELECT account, day, edition, toUInt64(0) AS build FROM day_changes
                WHERE {{.}} AND {{template "seen" "edition"}}
                UNION ALL
                SELECT account, day, build AS edition, build FROM builds WHERE {{.}} AND {{template "seen" "edition"}}
            )
            GROUP BY account, day
        {{- end}}
{{define "seen"}}{{.}} <= published.1 AND NOT has(published.2, {{.}}){{end -}}

{{- /* All days of an account, as an edition left them. Parameters: account, edition, dead. */ -}}
{{define "days_of"}}
WITH ({edition:UInt64}, {dead:Array(UInt64)}) AS published
SELECT groupArray(day), groupArray(base), groupArray(changed),
    (SELECT max(generation) FROM opt_outs WHERE account = {account:String} AND {{template "seen" "generation"}})
FROM ({{template "days" "account = {account:String}"}})
{{end -}}

{{- /* All days of all accounts, as an edition left them: one that changes a day of any account, or sums it up, is newer
than all before. Parameters: edition, dead. */ -}}
{{define "days_of_all"}}
WITH ({edition:UInt64}, {dead:Array(UInt64)}) AS published
SELECT groupArray(day), groupArray(build), groupArray(newest),
    (SELECT max(generation) FROM opt_outs WHERE {{template "seen" "generation"}})
FROM
(
    SELECT day, max(base) AS build, max(greatest(base, changed)) AS newest
    FROM ({{template "days" "1"}})
    GROUP BY day
)
{{end -}}
