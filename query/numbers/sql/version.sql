-- Versions only grow: rows up to this one are complete.
SELECT max(version) FROM number_health
