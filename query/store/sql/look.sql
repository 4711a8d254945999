{{- /* Which parts the tables of state.sql are made of, a number for each: others once anything was stored there, or
taken back. Asked before the tables are read. ClickHouse keeps parts in memory, so this costs what reading one small
table does; to add them up here would cost as much again. */ -}}
{{define "look"}}
SELECT table, cityHash64(table, name, hash_of_all_files)
FROM system.parts
WHERE active AND database = currentDatabase()
    AND table IN ('editions', 'day_changes', 'builds', 'opt_outs', 'reference', 'routes', 'lost_hours')
{{end -}}
