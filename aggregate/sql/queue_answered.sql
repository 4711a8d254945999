-- Removes from the queue what was asked for by batches whose touches are all closed. They are listed, for a mutation
-- sees no external table. Nobody waits for it.
-- Parameter: batches.
DELETE FROM number_queue WHERE batch IN {batches:Array(UUID)} SETTINGS lightweight_deletes_sync = 0
