-- Bytes on disk by table, for each attempt that is stored, the greatest first.
SELECT table, sum(bytes_on_disk) / (SELECT greatest(sum(rows), 1) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'attempts') AS each
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY each DESC
