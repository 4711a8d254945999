-- Whether anything of the period was changed since its days were summed.
SELECT count() > 0
FROM
(
    SELECT account, day
    FROM
    (
        SELECT account, day, edition, toUInt64(0) AS build FROM day_changes WHERE {{template "days" .}} AND {{template "known_edition"}}
        UNION ALL
        SELECT account, day, build AS edition, build FROM builds WHERE {{template "days" .}} AND {{template "known_edition"}}
    )
    GROUP BY account, day
    HAVING max(edition) > max(build)
)
