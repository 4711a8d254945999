-- Batches of long ago.
SELECT DISTINCT batch FROM number_queue WHERE at < now() - INTERVAL 1 DAY
UNION DISTINCT
SELECT DISTINCT batch FROM changes WHERE at < now() - INTERVAL 1 DAY
