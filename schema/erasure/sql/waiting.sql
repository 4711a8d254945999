-- Mutations of this erasure that are not done, with the last failure of one of them. Parameter: id.
SELECT count(), anyIf(concat(table, ': ', latest_fail_reason), latest_fail_reason != '')
FROM system.mutations
WHERE database = currentDatabase() AND NOT is_done AND (position(command, {id:String}) > 0 OR position(command, 'APPLY DELETED MASK') > 0)
