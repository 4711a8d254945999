-- What the feed announced and no verdict was stored of: a process died between the two. A verdict's version is greater
-- than the sequence numbers of its own lines, and lower than those of all lines after it.
SELECT account, number, argMax(`to`, seq), max(at_ms)
FROM number_changes
WHERE seq > (SELECT max(version) FROM number_health)
GROUP BY account, number
