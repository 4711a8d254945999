-- Removes rows of generations that were replaced before cutoff, and of generations that were never published, from a table
-- of dialogs. Parameters: table, cutoff.
DELETE FROM {table:Identifier}
WHERE generation < {cutoff:UInt64} AND (account, bucket, generation) NOT IN
(
    SELECT account, bucket, generation
    FROM generations
    WHERE (account, bucket, generation) IN
        (SELECT account, bucket, max(generation) FROM generations WHERE generation < {cutoff:UInt64}
            GROUP BY account, bucket)
)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
