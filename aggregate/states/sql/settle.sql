-- Copies the states of hours out of message_states. Parameter: generation. External table: targets (account, bucket).
INSERT INTO settled_states (bucket, key, state, edition)
WITH
    -- A key is the length of the account, the account, the hour, and the message (state.Key.AppendKey).
    if(reinterpretAsUInt8(substring(key, 1, 1)) < 128, reinterpretAsUInt8(substring(key, 1, 1)) + 1,
        bitAnd(reinterpretAsUInt8(substring(key, 1, 1)), 127) + 128 * reinterpretAsUInt8(substring(key, 2, 1)) + 2) AS prefix
SELECT toDateTime(reinterpretAsUInt32(reverse(substring(key, prefix + 1, 4))) * 3600, 'UTC'), key, state,
    {generation:UInt64}
FROM message_states
WHERE state != '' AND key IN
(
    SELECT concat(
        if(length(account) < 128, char(length(account)),
            char(bitOr(bitAnd(length(account), 127), 128), bitShiftRight(length(account), 7))), account, reverse(reinterpretAsFixedString(intDiv(toUnixTimestamp(bucket), 3600)::UInt32)), message_id)
    FROM attempts
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0
