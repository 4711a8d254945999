-- Whether freshness was ever stated, and what was stated last, or less where open touches are older.
SELECT
    (SELECT count() > 0 FROM freshness),
    least(
        (SELECT if(count() = 0, 0, argMax(as_of_ms, at)) FROM freshness),
        (SELECT if(count() = 0, {{never}}, min(at_ms))
            FROM (SELECT at_ms FROM touched GROUP BY account, bucket, id, at_ms HAVING sum(sign) > 0)))
