-- A page of the numbers that were dead at the version of a snapshot. number_health is read first: a row is copied to number_health_before before it is
-- replaced, so what is not found in the one any more is in the other. A number that is replaced between the two reads is found in both.
SELECT packed, number, account
FROM
(
    SELECT number, account, version,
        concat(
            reinterpretAsFixedString(since_ms), reinterpretAsFixedString(first_failed_ms), reinterpretAsFixedString(last_failed_ms),
            reinterpretAsFixedString(last_delivered_ms), reinterpretAsFixedString(owner_changed_ms), reinterpretAsFixedString(rule_version),
            reinterpretAsFixedString(failed_mailings), reinterpretAsFixedString(failed_days), reinterpretAsFixedString(guessed),
            reinterpretAsFixedString(toUInt8(possible_reassignment)), reinterpretAsFixedString(ported), reinterpretAsFixedString(valid),
            reinterpretAsFixedString(toUInt16(length(account))), account, reinterpretAsFixedString(toUInt16(length(number))), number,
            reinterpretAsFixedString(toUInt16(length(rule))), rule, reinterpretAsFixedString(toUInt16(length(operator))), operator,
            reinterpretAsFixedString(toUInt16(arraySum(arrayMap(name -> 6 + length(name), mapKeys(reasons))))),
            arrayStringConcat(arrayMap((name, n) -> concat(reinterpretAsFixedString(n), reinterpretAsFixedString(toUInt16(length(name))), name),
                mapKeys(reasons), mapValues(reasons))),
            reinterpretAsFixedString(toUInt32(length(arrayStringConcat(arrayMap((channel, at) -> concat(reinterpretAsFixedString(at), reinterpretAsFixedString(toUInt16(length(channel))), channel),
                reachable_channels, reachable_ms)) AS reachable))), reachable,
            reinterpretAsFixedString(toUInt32(length(arrayStringConcat(arrayMap((channel, app, sender, kind, since) -> concat(reinterpretAsFixedString(since),
                reinterpretAsFixedString(toUInt16(length(channel))), channel, reinterpretAsFixedString(toUInt16(length(app))), app,
                reinterpretAsFixedString(toUInt16(length(sender))), sender, reinterpretAsFixedString(toUInt16(length(kind))), kind),
                opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms)) AS opt_outs))), opt_outs,
            arrayStringConcat(arrayMap((leg, code, segments, cohort) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code),
                reinterpretAsFixedString(segments), reinterpretAsFixedString(cohort)), streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms))) AS packed
    FROM number_health FINAL
    WHERE version <= {up_to:UInt64} AND (account, number) IN
    (
        -- The keys of the page first: only its rows are packed.
        SELECT account, number
        FROM number_health FINAL
        WHERE version <= {up_to:UInt64} AND state = 'dead' AND startsWith(number, {prefix:String}) AND account IN {accounts:Array(String)} AND number >= {after_number:String} AND (number, account) > ({after_number:String}, {after_account:String}) AND rule IN {rules:Array(String)}
        ORDER BY number, account
        LIMIT {limit:UInt32}
    )
    UNION ALL
    SELECT number, account, version,
        concat(
            reinterpretAsFixedString(since_ms), reinterpretAsFixedString(first_failed_ms), reinterpretAsFixedString(last_failed_ms),
            reinterpretAsFixedString(last_delivered_ms), reinterpretAsFixedString(owner_changed_ms), reinterpretAsFixedString(rule_version),
            reinterpretAsFixedString(failed_mailings), reinterpretAsFixedString(failed_days), reinterpretAsFixedString(guessed),
            reinterpretAsFixedString(toUInt8(possible_reassignment)), reinterpretAsFixedString(ported), reinterpretAsFixedString(valid),
            reinterpretAsFixedString(toUInt16(length(account))), account, reinterpretAsFixedString(toUInt16(length(number))), number,
            reinterpretAsFixedString(toUInt16(length(rule))), rule, reinterpretAsFixedString(toUInt16(length(operator))), operator,
            reinterpretAsFixedString(toUInt16(arraySum(arrayMap(name -> 6 + length(name), mapKeys(reasons))))),
            arrayStringConcat(arrayMap((name, n) -> concat(reinterpretAsFixedString(n), reinterpretAsFixedString(toUInt16(length(name))), name),
                mapKeys(reasons), mapValues(reasons))),
            reinterpretAsFixedString(toUInt32(length(arrayStringConcat(arrayMap((channel, at) -> concat(reinterpretAsFixedString(at), reinterpretAsFixedString(toUInt16(length(channel))), channel),
                reachable_channels, reachable_ms)) AS reachable))), reachable,
            reinterpretAsFixedString(toUInt32(length(arrayStringConcat(arrayMap((channel, app, sender, kind, since) -> concat(reinterpretAsFixedString(since),
                reinterpretAsFixedString(toUInt16(length(channel))), channel, reinterpretAsFixedString(toUInt16(length(app))), app,
                reinterpretAsFixedString(toUInt16(length(sender))), sender, reinterpretAsFixedString(toUInt16(length(kind))), kind),
                opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms)) AS opt_outs))), opt_outs,
            arrayStringConcat(arrayMap((leg, code, segments, cohort) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code),
                reinterpretAsFixedString(segments), reinterpretAsFixedString(cohort)), streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms))) AS packed
    FROM
    (
        SELECT *
        FROM number_health_before
        WHERE version <= {up_to:UInt64} AND startsWith(number, {prefix:String}) AND account IN {accounts:Array(String)} AND number >= {after_number:String} AND (number, account) > ({after_number:String}, {after_account:String})
            AND (account, number) IN (SELECT account, number FROM number_health WHERE version > {up_to:UInt64} AND startsWith(number, {prefix:String}) AND account IN {accounts:Array(String)} AND number >= {after_number:String} AND (number, account) > ({after_number:String}, {after_account:String}))
        ORDER BY version DESC
        LIMIT 1 BY account, number
    )
    WHERE state = 'dead' AND rule IN {rules:Array(String)}
    ORDER BY number, account
    LIMIT {limit:UInt32}
)
ORDER BY number, account, version DESC
LIMIT 1 BY number, account
LIMIT {limit:UInt32}
-- prefix = "email:"
-- accounts = ["acme","x' OR '1'='1 {id:String}"]
-- rules = ["soft"]
-- after_number = "x' OR '1'='1 {id:String}"
-- after_account = "acme"
-- up_to = 7
-- limit = 11
