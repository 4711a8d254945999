-- Empties in message_states what settle.sql copied: to remove a key reads the whole store, to write one does not.
-- Parameter: generation.
INSERT INTO message_states SELECT key, '' FROM settled_states WHERE edition = {generation:UInt64}
SETTINGS max_insert_threads = 1
