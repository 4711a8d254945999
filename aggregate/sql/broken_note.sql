-- Names a part as broken. Parameters: table, part.
INSERT INTO broken_parts
SELECT {table:String}, {part:String}, 'open', toUnixTimestamp64Milli(now64(3)), toUnixTimestamp64Micro(now64(6))
