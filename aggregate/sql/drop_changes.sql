-- Forgets changes that builds of before cutoff have summed, after their cells. The latest of a day stays: it tells
-- whether the day is as it was. Parameter: cutoff.
DELETE FROM day_changes
WHERE edition < {cutoff:UInt64} AND
    ((account, day, edition) IN
    (
        SELECT c.account, c.day, c.edition
        FROM day_changes AS c
        INNER JOIN
        (
            SELECT account, day, max(build) AS newest FROM builds
            WHERE build < {cutoff:UInt64} AND build NOT IN ({{template "unpublished"}}) GROUP BY account, day
        ) AS b ON b.account = c.account AND b.day = c.day
        WHERE c.edition < b.newest
    )
    AND (account, day, edition) NOT IN
    (
        SELECT account, day, max(edition) FROM day_changes
        WHERE edition NOT IN ({{template "unpublished"}})
        GROUP BY account, day
    )
    OR edition IN ({{template "unpublished"}}))
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
