-- The versions of an account's list below a version (0: all), newest first.
SELECT account, version, at_ms, `by`, rows
FROM reference
WHERE kind = {kind:String} AND account = {account:String} AND ({before:UInt64} = 0 OR version < {before:UInt64})
ORDER BY version DESC, id DESC
LIMIT 1 BY version
LIMIT {limit:UInt32}
