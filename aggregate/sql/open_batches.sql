-- Batches some of whose touches are open.
SELECT DISTINCT id FROM touched GROUP BY account, bucket, id HAVING sum(sign) > 0
