-- Removes rows of dialogs that rows of before cutoff replaced: of one of so many slices of the messages, so that a large
-- table is not grouped at once. Parameters: table, cutoff, slices, slice.
DELETE FROM {table:Identifier}
WHERE generation < {cutoff:UInt64} AND cityHash64(message_id) % {slices:UInt64} = {slice:UInt64}
    AND (account, channel, sender, recipient, bucket, message_id, step, generation) IN
    (
        SELECT account, channel, sender, recipient, bucket, message_id, step,
            arrayJoin(arraySlice(arrayReverseSort(groupUniqArray(generation)), 2))
        FROM {table:Identifier}
        WHERE generation < {cutoff:UInt64} AND generation NOT IN ({{template "unpublished"}})
            AND cityHash64(message_id) % {slices:UInt64} = {slice:UInt64}
        GROUP BY account, channel, sender, recipient, bucket, message_id, step
        HAVING uniqExact(generation) > 1
    )
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
