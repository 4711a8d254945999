-- The greatest generation id ever used, published or not.
SELECT max(generation)
FROM
(
    SELECT max(generation) AS generation FROM generations
    UNION ALL SELECT max(generation) FROM rollup_attempts
    UNION ALL SELECT max(generation) FROM rollup_cascades
    UNION ALL SELECT max(generation) FROM rollup_spend
    UNION ALL SELECT max(generation) FROM rollup_waste
    UNION ALL SELECT max(generation) FROM dialogs
    UNION ALL SELECT max(generation) FROM rollup_failures
    UNION ALL SELECT max(generation) FROM numbers_touched
    UNION ALL SELECT max(generation) FROM numbers_done
    UNION ALL SELECT max(build) FROM rollup_cascade_days
)
