-- Removes builds made before cutoff that no report can find: they were never registered, or drop_days.sql has removed
-- them at least a round ago.
DELETE FROM rollup_cascade_days
WHERE build < {cutoff:UInt64} AND (account, day, build) NOT IN (SELECT account, day, build FROM cascade_days)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
