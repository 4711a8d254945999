-- Removes rows of dialogs that rows of before cutoff replaced, and of editions that were never published. Parameters: table,
-- cutoff.
DELETE FROM {table:Identifier}
WHERE generation < {cutoff:UInt64} AND
(
    generation IN ({{template "unpublished"}})
    OR (account, channel, sender, recipient, bucket, message_id, step, generation) IN
    (
        SELECT account, channel, sender, recipient, bucket, message_id, step,
            arrayJoin(arraySlice(arrayReverseSort(groupUniqArray(generation)), 2))
        FROM {table:Identifier}
        WHERE generation < {cutoff:UInt64} AND generation NOT IN ({{template "unpublished"}})
        GROUP BY account, channel, sender, recipient, bucket, message_id, step
        HAVING uniqExact(generation) > 1
    )
)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
