-- Notes that no state of a message is known: a change of an hour has it computed whole. So are hours of which something
-- is published and no fact is left: what comes again of them must not count on top of that. Parameter: generation.
INSERT INTO cold_hours
SELECT account, bucket, {generation:UInt64}, 1
FROM (SELECT account, bucket FROM attempts UNION DISTINCT SELECT account, bucket FROM generations)
SETTINGS insert_deduplicate = 0
