-- How many cells of days an edition has changed. Parameter: generation. External table: targets (account, bucket).
SELECT account, day, sum(cells)
FROM day_changes
WHERE account IN (SELECT account FROM targets) AND edition = {generation:UInt64}
GROUP BY account, day
