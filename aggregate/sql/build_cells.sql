-- How many cells a build made of days. Parameter: generation. External table: days (account, day).
SELECT account, day, cells FROM builds
WHERE account IN (SELECT account FROM days) AND (account, day) IN (SELECT account, day FROM days)
    AND build = {generation:UInt64}
