-- Removes what the log says of editions of before cutoff: they are applied, or died. The last edition stays: it tells whether
-- the states are those of today. Parameter: cutoff.
DELETE FROM state_log
WHERE edition < {cutoff:UInt64}
    AND edition < (SELECT max(edition) FROM state_log WHERE key = '' AND edition NOT IN ({{template "unpublished"}}))
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
