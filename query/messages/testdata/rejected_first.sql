-- Dead letters, newest first. The page is found by its keys, and the bytes are read for it alone.
SELECT at_ms, topic, partition, offset, line, reason, field, error, raw
FROM rejected FINAL
WHERE (topic, partition, offset, line) IN
(
    SELECT topic, partition, offset, line
    FROM rejected FINAL
    WHERE 1
    ORDER BY at_ms DESC, topic DESC, partition DESC, offset DESC, line DESC
    LIMIT {limit:UInt32}
)
ORDER BY at_ms DESC, topic DESC, partition DESC, offset DESC, line DESC
-- limit = 1001
