-- How many rows the pass's buckets have, folded or not. External table: targets (account, bucket).
SELECT count() FROM attempts WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
