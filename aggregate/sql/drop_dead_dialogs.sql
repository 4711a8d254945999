-- Removes rows of dialogs that editions of before cutoff wrote that were never published. Parameters: table, cutoff.
DELETE FROM {table:Identifier} WHERE generation < {cutoff:UInt64} AND generation IN ({{template "unpublished"}})
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
