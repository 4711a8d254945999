-- Removes what is decided. Parameter: done.
DELETE FROM numbers_touched WHERE generation <= {done:UInt64} SETTINGS lightweight_deletes_sync = 1
