-- Other aggregators that showed signs of life lately and did not say that they leave.
SELECT count()
FROM
(
    SELECT owner, max(at) AS last, argMax(leaving, at) AS left
    FROM freshness
    WHERE owner != {owner:UUID}
    GROUP BY owner
    HAVING NOT left AND last > now64(3) - toIntervalMillisecond({timeout_ms:Int64})
)
