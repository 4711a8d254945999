-- Removes changes whose batches are closed. They are listed, for a mutation sees no external table. Nobody waits for it.
-- Parameter: batches.
DELETE FROM changes WHERE batch IN {batches:Array(UUID)} SETTINGS lightweight_deletes_sync = 0
