-- Names the builds of the days, for readers to take when the edition of their id is published. Parameter: build. External
-- table: days (account, day).
INSERT INTO builds (account, day, build, cells)
SELECT d.account, d.day, {build:UInt64}, r.cells
FROM days AS d
LEFT ANY JOIN
(
    SELECT account, day, sum(n) AS cells
    FROM
    (
        SELECT account, day, count() AS n FROM rollup_attempts
        WHERE kind = 'quarter' AND edition = {build:UInt64} AND (account, day) IN (SELECT account, day FROM days)
        GROUP BY account, day
        UNION ALL SELECT account, day, count() AS n FROM rollup_cascades
        WHERE kind = 'quarter' AND edition = {build:UInt64} AND (account, day) IN (SELECT account, day FROM days)
        GROUP BY account, day
        UNION ALL SELECT account, day, count() AS n FROM rollup_spend
        WHERE kind = 'quarter' AND edition = {build:UInt64} AND (account, day) IN (SELECT account, day FROM days)
        GROUP BY account, day
        UNION ALL SELECT account, day, count() AS n FROM rollup_waste
        WHERE kind = 'quarter' AND edition = {build:UInt64} AND (account, day) IN (SELECT account, day FROM days)
        GROUP BY account, day
        UNION ALL SELECT account, day, count() AS n FROM rollup_people
        WHERE kind = 'quarter' AND edition = {build:UInt64} AND (account, day) IN (SELECT account, day FROM days)
        GROUP BY account, day
        UNION ALL SELECT account, day, count() AS n FROM rollup_failures
        WHERE kind = 'quarter' AND edition = {build:UInt64} AND (account, day) IN (SELECT account, day FROM days)
        GROUP BY account, day
    )
    GROUP BY account, day
) AS r ON r.account = d.account AND r.day = d.day
SETTINGS insert_deduplicate = 0, max_insert_threads = 1, join_use_nulls = 0
