-- Ends found orphans. External table: found.
INSERT INTO orphan_ends SELECT topic, partition, offset, line, 'joined' FROM found SETTINGS insert_deduplicate = 0
