-- Error codes of failed attempts that no line of the error map knows, with the attempts that have them, most frequent first, and the class that they
-- are guessed to have. Accounts differ in their lines, so attempts are counted by account before they are looked up.
SELECT provider, error_code, channel, sum(attempts) AS count,
    any(transform(concat('\0', transform(r.channel, ['sms', 'flash_call', 'voice'], ['map', 'q850', 'q850'], ''), '\0', r.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    '')) AS guess
FROM
(
    SELECT account, provider, error_code, channel, sum(failed) AS attempts
    FROM
    (
        SELECT r.* FROM rollup_failures AS r
        WHERE kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date}
            AND account IN {filter_account:Array(String)} AND (account, day, edition) IN (
            SELECT account, day, max(build) AS newest FROM builds
            WHERE build <= {edition:UInt64} AND build NOT IN (SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published)) AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND account IN {filter_account:Array(String)}
            GROUP BY account, day
        )
        UNION ALL
        SELECT r.* FROM rollup_failures AS r
        WHERE kind = 'quarter' AND r.day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND r.day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND r.cohort >= toDateTime({from:UInt32}, 'UTC') AND r.cohort < toDateTime({to:UInt32}, 'UTC')
            AND (day < {whole_from:Date} OR day >= {whole_to:Date})
            AND account IN {filter_account:Array(String)} AND (account, day, edition) IN (
            SELECT account, day, max(build) AS newest FROM builds
            WHERE build <= {edition:UInt64} AND build NOT IN (SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published)) AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND account IN {filter_account:Array(String)}
            GROUP BY account, day
        )
        UNION ALL
        SELECT r.* FROM rollup_failures AS r
        LEFT ANY JOIN (
            SELECT account, day, max(build) AS newest FROM builds
            WHERE build <= {edition:UInt64} AND build NOT IN (SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published)) AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND account IN {filter_account:Array(String)}
            GROUP BY account, day
        ) AS b ON b.account = r.account AND b.day = r.day
        WHERE r.kind = 'difference' AND r.day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND r.day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND r.cohort >= toDateTime({from:UInt32}, 'UTC') AND r.cohort < toDateTime({to:UInt32}, 'UTC') AND r.account IN {filter_account:Array(String)}
            AND r.edition <= {edition:UInt64} AND r.edition > b.newest AND r.edition NOT IN (SELECT edition FROM editions WHERE edition <= {edition:UInt64} GROUP BY edition HAVING NOT max(published))
    )
    WHERE error_code != ''
    GROUP BY account, provider, error_code, channel
    HAVING attempts != 0
) AS r
WHERE if(r.error_code = '', '',
    transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0', r.provider, '\0', r.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0*\0', r.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            ''))) = ''
GROUP BY provider, error_code, channel
HAVING count < {after_count:UInt64} OR (count = {after_count:UInt64} AND
    tuple(toString(provider), toString(error_code), toString(channel)) > tuple({after_provider:String}, {after_code:String}, {after_channel:String}))
ORDER BY count DESC, provider, error_code, channel
LIMIT {limit:UInt32}
-- edition = 7
-- now_quarter = 0
-- as_of = 0
-- whole_from = "2025-10-16"
-- whole_to = "2026-11-20"
-- from = 1760572800
-- to = 1795136400
-- limit = 11
-- filter_account = ["acme","x' OR '1'='1 {id:String}"]
-- after_count = 12
-- after_provider = "x' OR '1'='1 {id:String}"
-- after_code = "x' OR '1'='1 {id:String}"
-- after_channel = "x' OR '1'='1 {id:String}"
