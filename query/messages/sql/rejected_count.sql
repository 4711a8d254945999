-- Dead letters that wait, by why they were refused: those that were sent through again are done with.
SELECT toString(reason) AS why, count()
FROM rejected FINAL
WHERE (topic, partition, offset, line) NOT IN (SELECT topic, partition, offset, line FROM replayed)
GROUP BY why
ORDER BY why
