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
    FROM rollup_failures
    WHERE error_code != '' AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
        AND (account, bucket, generation) IN
        (
        SELECT account, bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64} AND account IN {filter_account:Array(String)}
        GROUP BY account, bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
        )
    GROUP BY account, provider, error_code, channel
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
-- from = 1760572800
-- to = 1795136400
-- generation = 7
-- limit = 11
-- filter_account = ["acme","x' OR '1'='1 {id:String}"]
-- after_count = 12
-- after_provider = "x' OR '1'='1 {id:String}"
-- after_code = "x' OR '1'='1 {id:String}"
-- after_channel = "x' OR '1'='1 {id:String}"
