-- What somebody said of a number last; state '' takes it back.
SELECT state, why, `by`, at_ms, version
FROM number_overrides FINAL
WHERE account = {account:String} AND number = {number:String}
ORDER BY version DESC
LIMIT 1
