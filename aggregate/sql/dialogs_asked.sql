-- The people who wrote what events of these batches say. External table: batches (id).
SELECT DISTINCT account, channel, sender, recipient
FROM recipient_events
WHERE status = 'inbound' AND (account, recipient) IN
    (SELECT account, number FROM number_queue WHERE batch IN (SELECT id FROM batches) AND event = 'inbound')
