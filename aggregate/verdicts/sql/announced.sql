-- What the feed announced and no verdict was stored of: a process or a round died between the two. A verdict's version is
-- greater than the sequence numbers of its own lines, and lower than those of all lines after it. All lines of a round
-- that ended are stored, and those of the next one are numbered after what it decided.
WITH (SELECT max(generation) FROM numbers_done) AS ended
SELECT c.account, c.number, argMax(c.`to`, c.seq), max(c.at_ms)
FROM number_changes AS c
LEFT JOIN
(
    SELECT account, number, max(version) AS stored FROM number_health WHERE version > ended GROUP BY account, number
) AS h ON h.account = c.account AND h.number = c.number
WHERE c.seq > ended AND c.seq > h.stored
GROUP BY c.account, c.number
SETTINGS join_use_nulls = 0
