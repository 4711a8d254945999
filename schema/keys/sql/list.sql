SELECT id, hash, account, every_account, scopes, note, `by`, made_ms, expires_ms, revoked_ms, used_ms
FROM (SELECT * FROM api_keys FINAL) AS k
LEFT JOIN (SELECT id AS used, max(used_ms) AS used_ms FROM api_key_uses GROUP BY id) AS u ON k.id = u.used
WHERE ({every:Bool} OR (account = {account:String} AND every_account = 0)) AND ({id:String} = '' OR id = {id:String})
    AND (id > {after:String})
ORDER BY id
LIMIT {limit:UInt32}
SETTINGS join_use_nulls = 0
