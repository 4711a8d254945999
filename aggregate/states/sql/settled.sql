-- The values of these keys that were moved out of message_states, packed (Packed in states.go). One scan finds all of
-- them. External table: keys (key).
WITH (s -> concat(reinterpretAsFixedString(length(s)::UInt32), s)) AS text
SELECT arrayStringConcat(groupArray(concat(text(key), text(latest))))
FROM
(
    SELECT key, argMax(state, edition) AS latest FROM settled_states WHERE key IN (SELECT key FROM keys) GROUP BY key
)
