-- Removes from a rollup what a build of before cutoff has summed or replaced, and what was never published. Parameters:
-- table, cutoff.
DELETE FROM {table:Identifier}
WHERE edition < {cutoff:UInt64} AND
(
    (account, day, edition) IN
    (
        SELECT e.account, e.day, e.edition
        FROM (SELECT account, day, edition FROM day_changes UNION ALL SELECT account, day, build FROM builds) AS e
        INNER JOIN
        (
            SELECT account, day, max(build) AS newest FROM builds
            WHERE build < {cutoff:UInt64} AND build NOT IN ({{template "unpublished"}}) GROUP BY account, day
        ) AS b ON b.account = e.account AND b.day = e.day
        WHERE e.edition < b.newest
    )
    OR kind != 'difference' AND (account, day, edition) NOT IN (SELECT account, day, build FROM builds)
    OR edition IN ({{template "unpublished"}})
)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
