-- Removes the publication of generations whose cells drop_cells.sql has removed.
DELETE FROM generations
WHERE generation < {cutoff:UInt64} AND (account, bucket, generation) NOT IN
    (SELECT account, bucket, max(generation) FROM generations WHERE generation < {cutoff:UInt64}
        GROUP BY account, bucket)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
