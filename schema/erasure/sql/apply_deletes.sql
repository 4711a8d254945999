-- Takes rows off the disk that are only marked as deleted. Parameter: table.
ALTER TABLE {table:Identifier} APPLY DELETED MASK
