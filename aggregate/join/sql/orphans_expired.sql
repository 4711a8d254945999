-- Orphans that waited their time out, with their bytes, to become dead letters.
SELECT topic, partition, offset, line, raw
FROM orphans FINAL
WHERE parked_ms < {before:Int64} AND (topic, partition, offset, line) NOT IN (SELECT topic, partition, offset, line
    FROM orphan_ends)
LIMIT 10000
