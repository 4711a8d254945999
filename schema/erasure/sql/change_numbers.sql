-- Deletes what is known of the number. Parameters: id, table.
ALTER TABLE {table:Identifier} DELETE WHERE (toString(account), number) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
