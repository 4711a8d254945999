-- Takes what is not needed any more out of memory; also what a program that ended in the middle has left. Parameters: id, table.
ALTER TABLE {table:Identifier} DELETE WHERE id = {id:UUID} OR at < now() - INTERVAL 1 DAY
