SELECT key FROM cursor_keys GROUP BY key ORDER BY min(at), key LIMIT {limit:UInt32}
