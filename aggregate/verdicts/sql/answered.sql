-- Removes what is decided. Nobody waits for it: the parts are written anew after the merges that are under way, which
-- took 7 s after a backlog. Parameter: done.
DELETE FROM numbers_touched WHERE generation <= {done:UInt64} SETTINGS lightweight_deletes_sync = 0
