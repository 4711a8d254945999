{{- /* Which parts the tables of state.sql are made of: a number for each table that is another one once anything was stored there, or taken back. Asked before the
tables are read. ClickHouse keeps parts in memory, so this costs what reading one small table does. */ -}}
{{define "look"}}
WITH {{if .Freshness}}(SELECT tuple({{template "freshness"}}) FROM freshness){{else}}(false, toInt64(0), toUInt64(0), toInt64(0)){{end}} AS fresh
SELECT
    fresh.1, fresh.2, fresh.3, fresh.4,
    countIf(table = 'routes') > 0,
    groupBitXorIf(part, table IN ('editions', 'day_changes', 'builds')),
    groupBitXorIf(part, table = 'opt_outs'),
    groupBitXorIf(part, table IN ('reference', 'routes')),
    groupBitXorIf(part, table = 'lost_hours')
FROM
(
    SELECT table, cityHash64(table, name, hash_of_all_files) AS part
    FROM system.parts
    WHERE active AND database = currentDatabase() AND table IN ('editions', 'day_changes', 'builds', 'opt_outs', 'reference', 'routes', 'lost_hours')
)
{{end -}}
