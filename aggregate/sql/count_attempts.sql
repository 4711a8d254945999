-- How many rows each of the pass's buckets has, folded or not. External table: targets (account, bucket).
SELECT account, bucket, count() FROM attempts WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
GROUP BY account, bucket
