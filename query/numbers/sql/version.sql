-- Versions only grow: rows up to this one are whole.
SELECT max(version) FROM number_health
