-- The message up to which a page reads next, so that it reads about so many attempts and no message in part; none where the hours
-- hold fewer. External table: targets.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id
FROM attempts
WHERE {{template "targets" .}}
ORDER BY account, bucket, message_id
LIMIT 1 OFFSET {attempts:UInt32}
