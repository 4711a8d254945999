-- Notes that no state of a message is known: a change of an hour has it computed whole. Parameter: generation.
INSERT INTO cold_hours SELECT DISTINCT account, bucket, {generation:UInt64}, 1 FROM attempts SETTINGS insert_deduplicate = 0
