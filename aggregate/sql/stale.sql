-- Whether there is something that drop_*.sql would remove: editions of before cutoff, but for the last one. Parameter:
-- cutoff.
SELECT count() > 0
FROM editions
WHERE edition < {cutoff:UInt64} AND edition < (SELECT max(edition) FROM editions WHERE published)
