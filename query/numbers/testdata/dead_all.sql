-- All dead numbers at the moment of the statement. Those of one account lie in the order of the answer, and are sent as they are read.
SELECT
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
WHERE state = 'dead' AND startsWith(number, {prefix:String})
ORDER BY number, account
-- prefix = "+"
