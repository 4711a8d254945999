-- Touches the hours of a month, or all of them when month is empty: those that have facts, and those that had some.
-- Parameters: month, batch.
INSERT INTO touched (account, bucket, id, at_ms, sign)
SELECT DISTINCT account, bucket, {batch:UUID}, 0, 1
FROM
(
    SELECT account, bucket FROM attempts GROUP BY account, bucket
    UNION ALL
    SELECT account, bucket FROM generations GROUP BY account, bucket
)
WHERE {month:String} = '' OR toString(toYYYYMM(bucket)) = {month:String}
SETTINGS insert_deduplicate = 0
