-- The recipients whom this pass has taken attempts from. Parameters: addresses, generation. External table: targets
-- (account, bucket).
INSERT INTO {addresses:Identifier}
SELECT DISTINCT account, recipient
FROM attempts_by_recipient
WHERE generation = {generation:UInt64} AND gone = 1 AND account IN (SELECT account FROM targets)
