-- The attempts of hours, or of some messages of theirs, merged, message by message. Messages that are stored in more than one
-- hour count at home. External table: targets (account, bucket, and message_id for single messages).
SELECT {{template "attempt_columns"}}
FROM attempts FINAL
WHERE {{template "targets" .}}
    AND (account, bucket, message_id) NOT IN
        (SELECT account, bucket, message_id FROM splits WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
ORDER BY account, bucket, message_id, step
-- Small blocks: the driver holds some of them, and of each row all columns.
SETTINGS do_not_merge_across_partitions_select_final = 1, max_block_size = 8192
