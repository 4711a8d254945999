-- The versions of an account's list below a version (0: all), newest first, with the note of the account's key that put each.
SELECT account, version, at_ms, put.`by`, rows, note, why
FROM
(
    SELECT account, version, at_ms, `by`, rows, why
    FROM reference
    WHERE kind = {kind:String} AND account = {account:String} AND ({before:UInt64} = 0 OR version < {before:UInt64})
    ORDER BY version DESC, id DESC
    LIMIT 1 BY version
    LIMIT {limit:UInt32}
) AS put
LEFT JOIN
(
    SELECT concat('key ', id) AS `by`, note
    FROM api_keys FINAL
    WHERE every_account = 0 AND api_keys.account = {account:String}
) AS made ON put.`by` = made.`by`
ORDER BY version DESC
SETTINGS join_use_nulls = 0
