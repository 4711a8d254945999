-- Where the decisions on numbers stand: the generation up to which they are made, and the greatest number given to
-- that, a verdict or a change.
SELECT (SELECT max(generation) FROM numbers_done) AS done,
    greatest(done, (SELECT max(version) FROM number_health), (SELECT max(seq) FROM number_changes))
