-- Has the hours of noted changes computed from facts, which are stored before any change of them: that says the same, and the changes may go.
-- Parameter: id. External table: erased (account, known, instead).
INSERT INTO touched (account, bucket, id, at_ms, sign)
WITH (SELECT generateUUIDv4()) AS touch
SELECT DISTINCT account, bucket, touch, toUnixTimestamp64Milli(now64(3)), 1
FROM changes
WHERE toString(account) IN (SELECT account FROM erased) AND sipHash64(batch, message_id, state) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'changes')
