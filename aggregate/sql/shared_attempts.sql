-- Notes attempts whose events name different recipients. External table: moved (account, bucket, message_id, step, recipient).
INSERT INTO shared_attempts SELECT DISTINCT account, message_id, step FROM moved SETTINGS insert_deduplicate = 0
