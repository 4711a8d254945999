-- What the report's cells depend on, as a fingerprint: as long as it is the same, so are they. Of each account and day the newest edition that changed it
-- tells them; changes that are summed up may be forgotten, and then the build tells as much.
SELECT count(), groupBitXor(sipHash64(account, day, newest)), sum(cityHash64(account, day, newest))
FROM
(
    SELECT account, day, if(max(changed) > 0, max(changed), max(built)) AS newest
    FROM
    (
        SELECT account, day, edition AS changed, toUInt64(0) AS built FROM day_changes
        WHERE edition <= {edition:UInt64} AND edition NOT IN (SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published)) AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC'))
        UNION ALL
        SELECT account, day, toUInt64(0), newest FROM (
            SELECT account, day, max(build) AS newest FROM builds
            WHERE build <= {edition:UInt64} AND build NOT IN (SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published)) AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC'))
            GROUP BY account, day
        )
    )
    GROUP BY account, day
)
-- edition = 7
-- now_quarter = 1793492100000
-- as_of = 0
-- whole_from = "1970-01-01"
-- whole_to = "2106-02-07"
-- from = 0
-- to = 4294967295
