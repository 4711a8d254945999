-- The stored values of these keys, packed (Packed in states.go). External table: keys (key).
WITH (s -> concat(reinterpretAsFixedString(length(s)::UInt32), s)) AS text
SELECT arrayStringConcat(groupArray(concat(text(key), text(state)))) FROM message_states WHERE key IN (SELECT key FROM keys)
