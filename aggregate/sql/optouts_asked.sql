-- The people about whom events of these batches speak. Parameter: addresses. External table: batches (id).
INSERT INTO {addresses:Identifier}
SELECT DISTINCT account, number
FROM number_queue
WHERE batch IN (SELECT id FROM batches) AND event IN ('unsubscribed', 'blocked', 'complained')
