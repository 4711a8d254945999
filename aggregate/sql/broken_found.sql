-- Parts that ClickHouse put aside as broken and that were not judged yet. Partition is empty for tables that are not
-- partitioned by month of the bucket.
SELECT table, name, if(match(partition_id, '^[0-9]{6}$')
    AND table IN ('attempts', 'dialogs', 'dialogs_by_person'), partition_id, '') AS month
FROM system.detached_parts
WHERE database = currentDatabase() AND startsWith(reason, 'broken')
    AND (table, name) NOT IN (SELECT table, part FROM broken_parts)
ORDER BY table, name
