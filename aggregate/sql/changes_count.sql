-- How many changes these batches have. External table: batches (id).
SELECT batch, count() FROM changes WHERE batch IN (SELECT id FROM batches) GROUP BY batch
