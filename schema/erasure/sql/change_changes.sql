-- Deletes the changes whose hours were touched. Parameter: id.
ALTER TABLE changes DELETE
WHERE toString(account) IN (SELECT account FROM erasing WHERE id = {id:UUID}) AND sipHash64(batch, message_id, state) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'changes')
