-- The disk with the smallest share of free space, and its state by the same limits as engine.DiskState has.
SELECT free_space, total_space,
    multiIf(free_space < greatest(keep_free_space, least(intDiv(total_space, 20), 1073741824)), 'full', free_space < intDiv(total_space, 10), 'warning', 'ok') AS state
FROM system.disks
WHERE total_space > 0
ORDER BY free_space / total_space
LIMIT 1
