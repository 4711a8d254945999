-- Removes from the queue what was asked for by batches whose touches are all closed. They are listed, for a mutation sees no external table. Parameter: batches.
DELETE FROM number_queue WHERE has({batches:Array(UUID)}, batch) SETTINGS lightweight_deletes_sync = 1
