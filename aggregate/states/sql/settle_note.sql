-- Says that states of these hours were moved. Parameter: generation. External table: targets (account, bucket).
INSERT INTO cold_hours SELECT account, bucket, {generation:UInt64}, 2 FROM targets SETTINGS insert_deduplicate = 0
