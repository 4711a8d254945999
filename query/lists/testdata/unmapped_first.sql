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
        LEFT ANY JOIN
        (
            SELECT account AS of_account, day AS of_day, max(build) AS base FROM builds
            WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND build <= {edition:UInt64}
            GROUP BY account, day
        ) AS b ON of_account = r.account AND of_day = r.day
        WHERE day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND edition <= {edition:UInt64} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
            AND (kind = 'difference' OR kind = 'day' AND day >= {whole_from:Date} AND day < {whole_to:Date}
                OR kind = 'quarter' AND NOT (day >= {whole_from:Date} AND day < {whole_to:Date}))
            -- Differences count after the build of their day, sums are of it.
            AND if(kind = 'difference', edition > base, edition = base)
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
ORDER BY count DESC, provider, error_code, channel
LIMIT {limit:UInt32}
-- edition = 7
-- now_quarter = 0
-- as_of = 0
-- whole_from = "2025-10-16"
-- whole_to = "2026-11-20"
-- from = 1760572800
-- to = 1795136400
-- limit = 1001
