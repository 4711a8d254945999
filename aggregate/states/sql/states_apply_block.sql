-- Does what states_apply.sql and states_applied.sql do, of an edition whose log is one block. It is stored as one, and
-- the row that says so is its last. Parameter: generation.
INSERT INTO message_states
SELECT key, if(key = '', toString(edition), state) FROM state_log WHERE edition = {generation:UInt64}
SETTINGS max_insert_threads = 1, max_threads = 1, min_insert_block_size_rows = 1000000,
    min_insert_block_size_bytes = 1000000000
