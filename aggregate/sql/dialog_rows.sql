-- The delivered attempts of channels with conversations in these buckets, as facts have them now. Parameter:
-- dialog_rows. External table: targets.
INSERT INTO {dialog_rows:Identifier}
WITH
    {{never}} AS never,
    replied AS
    (
        SELECT account, bucket, message_id, step, arraySort(groupUniqArray(replied_ms)) AS replies_ms
        FROM replies
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
        GROUP BY account, bucket, message_id, step
    )
SELECT f.account, f.channel, f.sender, f.recipient, f.bucket, f.message_id, f.step, f.delivered_at_ms, r.replies_ms,
    f.located
FROM
(
    SELECT account, channel, sender, {{template "recipient"}} AS recipient, bucket, message_id, step,
        {{- /* None of these channels bounces. */}}
        least({{template "whole_delivered_ms"}}, read_ms, clicked_ms, replied_ms, machine_ms) AS delivered_at_ms,
        least(submitted_ms, id_ms) < never AS located
    FROM attempts FINAL
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
        AND channel IN {dialog_channels:Array(String)}
        AND delivered_at_ms < never
        AND (account, bucket, message_id) NOT IN
            (SELECT account, bucket, message_id FROM splits
                WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
) AS f
LEFT JOIN replied AS r ON r.account = f.account AND r.bucket = f.bucket AND r.message_id = f.message_id
    AND r.step = f.step
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0
