-- Forgets that editions of before cutoff were begun: first of those that were published, because an edition that was begun
-- alone counts as dead, and of dead ones after a day, should somebody who was thought to be gone write under their ids.
-- Parameter: cutoff.
DELETE FROM editions
WHERE edition < {cutoff:UInt64} AND NOT published
    AND (at < now() - INTERVAL 1 DAY OR edition IN (SELECT edition FROM editions WHERE published))
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
