-- Forgets builds that were replaced before cutoff, and those that died, after their cells. Parameter: cutoff.
DELETE FROM builds
WHERE build < {cutoff:UInt64} AND (account, day, build) NOT IN
(
    SELECT account, day, max(build) FROM builds
    WHERE build < {cutoff:UInt64} AND build NOT IN ({{template "unpublished"}})
    GROUP BY account, day
)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
