-- Forgets that editions of before cutoff were published, when nothing is known of their beginning any more; the last one
-- stays, for readers. Parameter: cutoff.
DELETE FROM editions
WHERE edition < {cutoff:UInt64} AND published AND edition < (SELECT max(edition) FROM editions WHERE published)
    AND edition NOT IN (SELECT edition FROM editions WHERE NOT published)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
