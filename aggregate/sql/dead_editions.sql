-- Whether editions of before cutoff died, and the last of them. Parameter: cutoff.
SELECT max(edition) FROM editions WHERE edition < {cutoff:UInt64} AND edition IN ({{template "unpublished"}})
