-- Parts that a start put aside because their files are not what was written.
SELECT database, table, name, partition_id, min_block_number, max_block_number
FROM system.detached_parts
WHERE startsWith(reason, 'broken') AND isNotNull(min_block_number)
ORDER BY database, table, name
