-- The recipients of the chunk's messages that changed, of accounts from which anybody ever opted out.
-- Parameters: addresses, folded, slice, slices. External tables: targets (account, bucket), batches (id).
INSERT INTO {addresses:Identifier}
WITH changed AS (SELECT account, bucket, message FROM number_queue
    WHERE batch IN (SELECT id FROM batches) AND (account, bucket) IN (SELECT account, bucket FROM targets)
        -- Only the slice's, as in fold.sql.
        AND (message = 0 OR {slices:UInt32} = 1 OR message % {slices:UInt32} = {slice:UInt32}))
SELECT DISTINCT account, recipient
FROM {folded:Identifier}
WHERE account IN {accounts:Array(String)} AND ((account, bucket, cityHash64(message_id)) IN changed
    OR (account, bucket, toUInt64(0)) IN changed)
