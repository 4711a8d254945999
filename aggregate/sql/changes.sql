-- What the events of these batches said of their messages, packed by batch (states.Packed). External table:
-- batches (id).
WITH (s -> concat(reinterpretAsFixedString(length(s)::UInt32), s)) AS text
SELECT batch, arrayStringConcat(groupArray(concat(text(account), reinterpretAsFixedString(toUnixTimestamp(bucket)::UInt32),
    text(message_id), text(state))))
FROM changes
WHERE batch IN (SELECT id FROM batches)
GROUP BY batch
