-- How many dead letters there are of each reason and field, and how many of them were sent through again.
SELECT reason, field, count() AS letters, countIf(again) AS replayed, min(at_ms), max(at_ms)
FROM
(
    SELECT reason, field, at_ms, (topic, partition, offset, line) IN (SELECT topic, partition, offset, line FROM replayed) AS again
    FROM rejected FINAL
)
GROUP BY reason, field
ORDER BY letters DESC, reason, field
