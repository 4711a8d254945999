-- Writes the dialogs of the pass's buckets under its generation. People who were walked have new units, the others
-- those published.
-- Parameters: generation, dialog_rows. External tables: targets (account, bucket), walked (account, bucket, message_id,
-- step, conversation, outside).
INSERT INTO dialogs (account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms,
    replies_ms, conversation, outside)
SELECT r.account, r.channel, r.sender, r.recipient, r.bucket, {generation:UInt64}, r.message_id, r.step, r.delivered_ms,
    r.replies_ms,
    if(w.walked, w.conversation, p.conversation), if(w.walked, w.outside, p.outside)
FROM {dialog_rows:Identifier} AS r
LEFT JOIN (SELECT *, true AS walked FROM walked) AS w
    ON w.account = r.account AND w.bucket = r.bucket AND w.message_id = r.message_id AND w.step = r.step
LEFT JOIN
(
    SELECT account, bucket, message_id, step, conversation, outside
    FROM dialogs
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND (account, bucket, generation) IN
    (
        SELECT account, bucket, max(generation)
        FROM generations
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
        GROUP BY account, bucket
    )
) AS p ON p.account = r.account AND p.bucket = r.bucket AND p.message_id = r.message_id AND p.step = r.step
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, join_use_nulls = 0
