-- Removes from the queue what was asked for by batches whose touches are all closed. External table: batches (id).
DELETE FROM number_queue
WHERE batch IN (SELECT id FROM batches)
    AND batch NOT IN (SELECT id FROM touched WHERE id IN (SELECT id FROM batches) GROUP BY account, bucket, id HAVING sum(sign) > 0)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
