-- When the figures of a published bucket change next by time alone.
SELECT account, bucket, argMax(due_ms, generation) AS due
FROM generations
WHERE {generation:UInt64} = 0 OR generation = {generation:UInt64}
GROUP BY account, bucket
HAVING due < {{never}}
