-- Whether an event names a message of the chunk. Parameter: folded. External table: targets (account, bucket).
SELECT count() > 0
FROM {folded:Identifier}
WHERE (account, message_id) IN (SELECT account, message_id FROM named_messages
    WHERE account IN (SELECT account FROM targets))
