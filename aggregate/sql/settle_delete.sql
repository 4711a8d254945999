-- Removes from message_states what settle.sql copied. Parameter: generation.
ALTER TABLE message_states DELETE
WHERE key != '' AND key IN (SELECT key FROM settled_states WHERE edition = {generation:UInt64})
SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1
