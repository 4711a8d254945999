-- The edition whose states were applied last, and the last one that was published with some.
SELECT
    (SELECT toUInt64OrZero(any(state)) FROM message_states WHERE key = ''),
    (SELECT max(edition) FROM state_log WHERE key = '' AND edition NOT IN ({{template "unpublished"}}))
