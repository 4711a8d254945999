-- What the feed announced and no verdict was stored of: a process or a round died between the two. A verdict's version
-- is greater than the sequence numbers of its own lines, and lower than those of all lines after it. All lines of a
-- round that ended are stored, and those of the next one are numbered after what it decided.
WITH (SELECT max(generation) FROM numbers_done) AS ended
SELECT account, number, argMax(state, seq), max(at_ms)
FROM
(
    SELECT account, number, seq, toUInt64(0) AS version, toString(`to`) AS state, at_ms
    FROM number_changes WHERE seq > ended
    UNION ALL
    SELECT account, number, toUInt64(0), version, '', toInt64(0) FROM number_health WHERE version > ended
)
GROUP BY account, number
HAVING max(seq) > max(version)
SETTINGS max_bytes_before_external_group_by = 1500000000
