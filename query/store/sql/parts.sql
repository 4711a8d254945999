-- Which parts tables are made of, as in look.sql.
SELECT countIf(table = 'routes') > 0, groupBitXorIf(cityHash64(table, name, hash_of_all_files), table IN {tables:Array(String)})
FROM system.parts
WHERE active AND database = currentDatabase() AND (table = 'routes' OR table IN {tables:Array(String)})
