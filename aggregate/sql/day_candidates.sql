-- Days whose sums are to be built: those that nothing has changed since the id quiet, and those with more changes than
-- are worth adding up at each reading; the most changed first. Parameters: quiet, limit.
SELECT c.account, c.day
FROM
(
    SELECT account, day, edition, sum(cells) AS changed
    FROM day_changes
    WHERE edition NOT IN ({{template "unpublished"}})
    GROUP BY account, day, edition
) AS c
LEFT ANY JOIN
(
    SELECT account, day, max(build) AS newest, argMax(cells, build) AS summed FROM builds
    WHERE build NOT IN ({{template "unpublished"}}) GROUP BY account, day
) AS b ON b.account = c.account AND b.day = c.day
WHERE c.edition > b.newest
GROUP BY c.account, c.day
HAVING max(c.edition) < {quiet:UInt64} OR sum(c.changed) > 2000 + any(b.summed) / 2
ORDER BY sum(c.changed) DESC, c.day DESC, c.account
LIMIT {limit:UInt32}
SETTINGS join_use_nulls = 0
