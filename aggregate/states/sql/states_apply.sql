-- Makes the states of messages what the log says of the edition. Parameter: generation.
INSERT INTO message_states SELECT key, state FROM state_log WHERE edition = {generation:UInt64} AND key != ''
SETTINGS max_insert_threads = 1
