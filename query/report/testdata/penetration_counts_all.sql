SELECT
    c0 AS k0,
    concat(formatDateTime(toDateTime(c1.1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(c1.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(c1.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(c1.2) % 3600, 60)), 2, '0')) AS k1,
    toString(c2) AS k2,
    toString(c3) AS k3,
    formatDateTime(c4, '%Y-%m') AS k4,
    c5 AS k5,
    c6 AS k6,
    p.tested, p.reached, count(), sum(p.messages)
FROM
(
    SELECT c0, c1, c2, c3, c4, c5, c6,
        person, sum(a.messages) AS messages, groupBitOr(a.tested) AS tested,
        groupBitOr(if(a.delivered AND a.address NOT IN (
            SELECT address
            FROM
            (
                SELECT bitXor(xxHash64(concat(account, '\0', recipient)), xxHash64(concat(channel, '\0', app))) AS address, if(status = 'subscribed', 0, occurred_ms) AS lost_ms,
                    if(status = 'subscribed', occurred_ms, 0) AS back_ms, toInt64(0) AS reached_ms
                FROM recipient_events
                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND account IN {filter_account:Array(String)} AND occurred_ms <= {as_of:Int64}
                UNION ALL
                SELECT address, if(lost_by_code_ms <= {as_of:Int64}, lost_by_code_ms, 0), 0, 0 FROM (
                    SELECT bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))) AS address, if(concat(if(r.account IN own_maps, r.account, ''), '\0', r.way, '\0', r.error_code) IN told_codes, r.told_ms, r.failed_ms) AS lost_by_code_ms
                    FROM rollup_people AS r
                    WHERE r.error_code != '' AND (concat(if(r.account IN own_maps, r.account, ''), '\0', r.way, '\0', r.error_code) IN told_codes OR concat(if(r.account IN own_maps, r.account, ''), '\0', r.way, '\0', r.error_code) IN failed_codes) AND version IN seen_people AND account IN {filter_account:Array(String)} AND lost_by_code_ms > 0
                    GROUP BY address, lost_by_code_ms
                    HAVING sum(r.attempts) > 0)
                UNION ALL
                SELECT bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))) AS address, 0, 0, r.delivered_ms
                FROM rollup_people AS r
                WHERE r.delivered_ms > 0 AND address IN
                    (
                        SELECT bitXor(xxHash64(concat(account, '\0', recipient)), xxHash64(concat(channel, '\0', app))) FROM recipient_events WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND account IN {filter_account:Array(String)} AND status != 'subscribed'
                        UNION ALL
                        SELECT bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))) FROM rollup_people AS r WHERE r.error_code != '' AND (concat(if(r.account IN own_maps, r.account, ''), '\0', r.way, '\0', r.error_code) IN told_codes OR concat(if(r.account IN own_maps, r.account, ''), '\0', r.way, '\0', r.error_code) IN failed_codes) AND version IN seen_people AND account IN {filter_account:Array(String)}
                    )
                    AND version IN seen_people AND account IN {filter_account:Array(String)}
                GROUP BY address, r.delivered_ms
                HAVING sum(r.attempts) > 0
            )
            GROUP BY address
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(reached_ms) AND max(lost_ms) >= max(back_ms))
            AND NOT (bitAnd(a.tested, {phone_bits:UInt32}) != 0 AND a.recipient IN
                (SELECT xxHash64(concat(account, '\0', number)) FROM number_health FINAL WHERE state = 'dead' AND account IN {filter_account:Array(String)})), a.tested, 0)) AS reached
    FROM
    (
        -- Sums count what is there, and so do differences of people of whom nothing was taken back.
        SELECT r.account AS c0, tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))) AS c1, toDate(r.cohort, {tz:String}) AS c2, toMonday(toDate(r.cohort, {tz:String})) AS c3, toStartOfMonth(toDate(r.cohort, {tz:String})) AS c4, toHour(r.cohort, {tz:String}) AS c5, toDayOfWeek(toDate(r.cohort, {tz:String})) AS c6,
            r.person AS person, bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))) AS address, bitXor(r.person, r.other) AS recipient,
            if(r.way NOT IN {silent:Array(String)}, transform(r.way, {ways:Array(String)}, {bits:Array(UInt32)}, toUInt32(2147483648)), 0) AS tested, r.delivered_ms > 0 AS delivered, toInt64(r.messages) AS messages
        FROM rollup_people AS r
            WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
                AND version IN seen_people AND account IN {filter_account:Array(String)}
                AND r.account IN {filter_account:Array(String)}
                AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
                AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
                AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
                AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
                AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
                AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)}
            AND r.person NOT IN (SELECT r.person FROM rollup_people AS r
            WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
                AND version IN seen_people AND account IN {filter_account:Array(String)}
                AND r.account IN {filter_account:Array(String)}
                AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
                AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
                AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
                AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
                AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
                AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)} AND r.attempts <= 0)
        UNION ALL
        SELECT r.account AS c0, tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))) AS c1, toDate(r.cohort, {tz:String}) AS c2, toMonday(toDate(r.cohort, {tz:String})) AS c3, toStartOfMonth(toDate(r.cohort, {tz:String})) AS c4, toHour(r.cohort, {tz:String}) AS c5, toDayOfWeek(toDate(r.cohort, {tz:String})) AS c6,
            r.person AS person, bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))) AS address, any(bitXor(r.person, r.other)) AS recipient,
            if(sumIf(r.attempts, r.way NOT IN {silent:Array(String)}) > 0, any(transform(r.way, {ways:Array(String)}, {bits:Array(UInt32)}, toUInt32(2147483648))), 0) AS tested,
            sumIf(r.attempts, r.delivered_ms > 0 AND r.way NOT IN {silent:Array(String)}) > 0 AS delivered, sum(r.messages) AS messages
        FROM rollup_people AS r
            WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
                AND version IN seen_people AND account IN {filter_account:Array(String)}
                AND r.account IN {filter_account:Array(String)}
                AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
                AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
                AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
                AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
                AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
                AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)}
            AND r.person IN (SELECT r.person FROM rollup_people AS r
            WHERE account IN {filter_account:Array(String)} AND day >= toDate(toDateTime({from:UInt32}, 'UTC')) AND day <= toDate(toDateTime({to:UInt32}, 'UTC')) AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
                AND version IN seen_people AND account IN {filter_account:Array(String)}
                AND r.account IN {filter_account:Array(String)}
                AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
                AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
                AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
                AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
                AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
                AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)} AND r.attempts <= 0)
        GROUP BY c0, c1, c2, c3, c4, c5, c6, person, address
        HAVING sum(r.attempts) > 0
    ) AS a
    GROUP BY c0, c1, c2, c3, c4, c5, c6, person
) AS p
GROUP BY c0, c1, c2, c3, c4, c5, c6, p.tested, p.reached
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
-- from = 1760572800
-- to = 1795136400
-- route_other = ["push","sms"]
-- code_other = [23,49]
-- route_own_other = ["acme\u0000email"]
-- code_own_other = [127]
-- route_named = ["push\u0000fcm"]
-- code_named = [16]
-- route_own_named = ["acme\u0000sms\u0000mts"]
-- code_own_named = [480]
-- filter_account = ["x' OR '1'='1 {id:String}"]
-- filter_hour = ["2026-11-20T13:00:00+05:45"]
-- filter_day = ["2026-11-16"]
-- filter_week = ["2026-11-16"]
-- filter_month = ["2026-11"]
-- filter_hour_of_day = [1]
-- filter_weekday = [1]
-- tz = "Asia/Kathmandu"
