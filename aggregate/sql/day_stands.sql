-- Of each day how many cells editions have changed since its newest build, the latest edition, and how many cells that
-- build made.
SELECT c.account, c.day, sumIf(c.changed, c.edition > b.newest), max(c.edition), any(b.summed)
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
GROUP BY c.account, c.day
SETTINGS join_use_nulls = 0
