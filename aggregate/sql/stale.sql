-- How many generations drop_generations.sql would remove.
SELECT count()
FROM generations
WHERE generation < {cutoff:UInt64} AND (account, bucket, generation) NOT IN
    (SELECT account, bucket, max(generation) FROM generations WHERE generation < {cutoff:UInt64}
        GROUP BY account, bucket)
