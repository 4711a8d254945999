-- Messages of the batches whose events disagree on submitted_at, with the buckets that hold them besides their home:
-- the earliest bucket, whatever came first. External table: batches (id).
SELECT account, message_id, min(bucket) AS home, arrayFilter(b -> b != home, groupUniqArray(bucket)) AS strays
FROM located
WHERE (account, message_id) IN (SELECT account, message_id FROM join_queue WHERE batch IN (SELECT id FROM batches))
GROUP BY account, message_id
HAVING min(submitted_ms) != max(submitted_ms)
