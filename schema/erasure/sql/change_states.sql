-- Deletes noted states. Parameters: id, table.
ALTER TABLE {table:Identifier} DELETE
WHERE sipHash64(key, state) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = {table:String})
