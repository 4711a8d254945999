-- Rows of parked events and dead letters whose bytes, or columns, may hold the number: with its digits as they are, or written as JSON escapes, or inside
-- an Arrow stream. The program decides which do. row: as in change_letters.sql. External table: erased (account, known, instead).
WITH
    (SELECT known FROM erased WHERE NOT startsWith(known, '+')) AS digits
SELECT 'orphans' AS name, sipHash64(topic, partition, offset, line, raw) AS `row`, raw,
    (toString(account), substring(recipient_country, 1, position(recipient_country, '\0') - 1)) IN (SELECT account, known FROM erased)
        OR (toString(account), contact) IN (SELECT account, known FROM erased) AS holds
FROM orphans
WHERE toString(account) IN (SELECT account FROM erased) AND (holds OR position(raw, digits) > 0 OR match(raw, '\\\\u00(3[0-9]|2[bB])'))
UNION ALL
SELECT 'rejected', sipHash64(topic, partition, offset, line, raw), raw, false
FROM rejected
WHERE position(raw, digits) > 0 OR match(raw, '\\\\u00(3[0-9]|2[bB])') OR startsWith(raw, '\xff\xff\xff\xff')
