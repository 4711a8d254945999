-- Notes attempts whose events name different recipients. Parameter: folded.
INSERT INTO shared_attempts SELECT DISTINCT account, message_id, step FROM {folded:Identifier} WHERE readdressed
SETTINGS insert_deduplicate = 0
