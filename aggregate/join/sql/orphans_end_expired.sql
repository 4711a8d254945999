-- Ends expired orphans. External table: found.
INSERT INTO orphan_ends SELECT topic, partition, offset, line, 'expired' FROM found SETTINGS insert_deduplicate = 0
