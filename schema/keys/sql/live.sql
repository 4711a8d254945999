SELECT id, hash, account, every_account, scopes, note, `by`, made_ms, expires_ms
FROM api_keys FINAL
WHERE revoked_ms = 0 AND (expires_ms = 0 OR expires_ms > {now:Int64})
