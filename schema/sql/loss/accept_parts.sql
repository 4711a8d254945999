-- Takes the name off what is lost: somebody has accepted it.
INSERT INTO broken_parts
SELECT table, part, 'accepted', toUnixTimestamp64Milli(now64(3)), greatest(max(version) + 1, toUnixTimestamp64Micro(now64(6)))
FROM broken_parts GROUP BY table, part HAVING argMax(state, version) = 'open'
