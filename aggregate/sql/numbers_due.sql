-- Notes the numbers whose verdict has changed by time alone. Parameters: generation, now.
INSERT INTO numbers_touched
SELECT {generation:UInt64}, account, number FROM number_health FINAL WHERE due_ms <= {now:Int64}
SETTINGS insert_deduplicate = 0
