-- The greatest id ever used, published or not.
SELECT max(generation)
FROM
(
    SELECT max(edition) AS generation FROM editions
    UNION ALL SELECT max(generation) FROM generations
    UNION ALL SELECT max(edition) FROM day_changes
    UNION ALL SELECT max(build) FROM builds
    UNION ALL SELECT max(generation) FROM dialogs
    UNION ALL SELECT max(edition) FROM cold_hours
    UNION ALL SELECT max(edition) FROM settled_states
    UNION ALL SELECT max(generation) FROM numbers_touched
    UNION ALL SELECT max(generation) FROM numbers_done
)
