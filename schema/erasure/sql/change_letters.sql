-- Deletes parked events that were parked again, and dead letters. Parameters: id, table.
ALTER TABLE {table:Identifier} DELETE
WHERE sipHash64(topic, partition, offset, line, raw) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = {table:String})
