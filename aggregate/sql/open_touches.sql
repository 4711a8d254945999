-- All rows of touches: those whose signs add up to more than 0 are open, no published edition has answered them yet.
-- Few rows are left of others, and to add up here costs as much again as to read.
SELECT account, bucket, id, at_ms, sign FROM touched
