-- Removes the keys of states that were moved. It reads the whole store.
ALTER TABLE message_states DELETE WHERE key != '' AND state = '' SETTINGS mutations_sync = 1
