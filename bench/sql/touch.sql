-- Has the aggregator compute every hour that has facts, as after a migration. Parameter: at_ms.
INSERT INTO touched (account, bucket, id, at_ms, sign)
SELECT account, bucket, generateUUIDv4(), {at_ms:Int64}, 1 FROM attempts GROUP BY account, bucket
