-- A key has its newest sessions alone, so that nobody fills the memory of servers with them.
SELECT hash, key_id, made_ms, expires_ms
FROM api_sessions FINAL
WHERE ended_ms = 0 AND expires_ms > {now:Int64}
ORDER BY made_ms DESC, hash
LIMIT {most:UInt32} BY key_id
