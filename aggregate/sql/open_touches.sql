-- Touches that no published generation has answered yet.
SELECT account, bucket, id, min(at_ms) AS at_ms
FROM touched
GROUP BY account, bucket, id
HAVING sum(sign) > 0
