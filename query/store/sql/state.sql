{{- /* What requests begin with, but for what has not changed since it was read. ClickHouse runs the subqueries while it reads the statement, in the order of
their first use: as_of comes before the editions, so what was acknowledged before it is surely in them, and what they changed comes after those. Parameter:
since. */ -}}
WITH
    (SELECT tuple({{template "freshness"}}) FROM freshness) AS fresh,
    -- The newest edition that was published, and those that were begun and are not. Publication is one insert of one block, and the ids only grow: whatever
    -- this answers is whole.
    (
        SELECT (maxIf(edition, is_published), groupArrayIf(edition, NOT is_published))
        FROM (SELECT edition, max(published) AS is_published FROM editions GROUP BY edition)
    ) AS published,
    -- The hours that lack facts which were there.
{{- if .Lost}}
    (
        SELECT (groupArray(account), groupArray(bucket))
        FROM (SELECT account, bucket FROM lost_hours GROUP BY account, bucket HAVING argMax(state, version) = 'open')
    ) AS lost,
{{- else}}
    ([]::Array(String), []::Array(DateTime('UTC'))) AS lost,
{{- end}}
    -- The newest versions of the lists that prices are made of, 0 where nobody has put one, and what tells these lists from others of the same versions: a
    -- version that two writers were given belongs to one row in the end (listID in package prices). The last differs when an error map was put or taken back.
{{- if .Lists}}
    (
        SELECT (maxIf(newest.1, kind = 'tariffs'), maxIf(newest.1, kind = 'templates'),
            groupBitXorIf(reinterpretAsUInt64(substring(UUIDToNum(newest.2), 9)), kind != 'error_map'), sumIf(ids, kind = 'error_map'))
        FROM
        (
            SELECT kind, account, max((version, id)) AS newest, sum(cityHash64(id)) AS ids
            FROM reference
            WHERE kind IN ('tariffs', 'templates', 'error_map')
            GROUP BY kind, account
        )
    ) AS lists,
    (SELECT sum(cityHash64(account, channel, provider, version, delivery, reads, bound, settling_days)) FROM routes) AS routes,
{{- else}}
    (toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0)) AS lists, toUInt64(0) AS routes,
{{- end}}
    (SELECT count() FROM day_changes) AS changes,
    -- What editions from {since} on changed.
{{- if .Since}}
    (
        SELECT (groupArray(account), groupArray(day), groupArray(base), groupArray(changed))
        FROM ({{template "days" "edition >= {since:UInt64}"}})
    ) AS days,
{{- else}}
    ([]::Array(String), []::Array(Date), []::Array(UInt64), []::Array(UInt64)) AS days,
{{- end}}
    -- Who opted out since, and the newest edition that attributed an opt-out, if it is not published yet.
{{- if .OptOuts}}
    (
        SELECT (groupArray(account), groupArray(seen), max(newest))
        FROM
        (
            SELECT account, maxIf(generation, {{template "seen" "generation"}}) AS seen, max(generation) AS newest
            FROM opt_outs {{if .Since}}WHERE generation >= {since:UInt64} {{end}}GROUP BY account
        )
    ) AS opted
{{- else}}
    ([]::Array(String), []::Array(UInt64), toUInt64(0)) AS opted
{{- end}}
SELECT
    fresh.1, fresh.2, fresh.3, fresh.4, published.1, published.2, lost.1, lost.2, lists.1, lists.2, lists.3, lists.4, routes, changes,
    days.1, days.2, days.3, days.4, opted.1, opted.2, opted.3

{{- /* Of each account and day the newest build, and the newest edition that changed it, 0 where there is none. */ -}}
{{define "days"}}
            SELECT account, day, max(build) AS base, maxIf(edition, build = 0) AS changed
            FROM
            (
                SELECT account, day, edition, toUInt64(0) AS build FROM day_changes WHERE {{.}} AND {{template "seen" "edition"}}
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

{{- /* All days of all accounts, as an edition left them: one that changes a day of any account, or sums it up, is newer than all before. Parameters: edition,
dead. */ -}}
{{define "days_of_all"}}
WITH ({edition:UInt64}, {dead:Array(UInt64)}) AS published
SELECT groupArray(day), groupArray(build), groupArray(newest), (SELECT max(generation) FROM opt_outs WHERE {{template "seen" "generation"}})
FROM
(
    SELECT day, max(base) AS build, max(greatest(base, changed)) AS newest
    FROM ({{template "days" "1"}})
    GROUP BY day
)
{{end -}}
