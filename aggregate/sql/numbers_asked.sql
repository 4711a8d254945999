-- Notes numbers that something was said about or somebody asked for: look-ups, opt-outs, verdicts set by hand, all of
-- an account. Parameter: generation. External table: batches (id).
INSERT INTO numbers_touched
SELECT DISTINCT {generation:UInt64}, account, number
FROM number_queue
WHERE batch IN (SELECT id FROM batches) AND bucket = toDateTime(0, 'UTC')
    AND (number = '' OR startsWith(number, '+') OR startsWith(number, 'email:'))
SETTINGS insert_deduplicate = 0
