-- Takes the name off what is lost: somebody has accepted it.
INSERT INTO lost_hours
SELECT account, bucket, argMax(published, version), argMax(found, version), 'accepted', max(since_ms), greatest(max(version) + 1, toUnixTimestamp64Micro(now64(6)))
FROM lost_hours GROUP BY account, bucket HAVING argMax(state, version) = 'open'
