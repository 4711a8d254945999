-- Notes the numbers that by_recipient.sql has written attempts of. Parameters: generation, folded, slice, slices.
-- External tables: targets (account, bucket), batches (id).
INSERT INTO numbers_touched
WITH changed AS (SELECT account, bucket, message FROM number_queue
    WHERE batch IN (SELECT id FROM batches) AND (account, bucket) IN (SELECT account, bucket FROM targets)
        -- Only the slice's, as in fold.sql.
        AND (message = 0 OR {slices:UInt32} = 1 OR message % {slices:UInt32} = {slice:UInt32}))
SELECT DISTINCT {generation:UInt64}, account, recipient
FROM {folded:Identifier}
WHERE (startsWith(recipient, '+') OR startsWith(recipient, 'email:'))
    AND ((account, bucket, cityHash64(message_id)) IN changed OR (account, bucket, toUInt64(0)) IN changed)
SETTINGS insert_deduplicate = 0, max_insert_threads = 1
