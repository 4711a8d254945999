WITH (account, name) -> reinterpretAsUInt128(sipHash128(account, name)) AS hash_of
SELECT
    c0 AS k0,
    c1 AS k1,
    c2 AS k2,
    c3 AS k3,
    c4 AS k4,
    c5 AS k5,
    c6 AS k6,
    c7 AS k7,
    c8 AS k8,
    concat(formatDateTime(toDateTime(c9.1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(c9.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(c9.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(c9.2) % 3600, 60)), 2, '0')) AS k9,
    toString(c10) AS k10,
    toString(c11) AS k11,
    formatDateTime(c12, '%Y-%m') AS k12,
    c13 AS k13,
    c14 AS k14,
    p.tested, p.reached, count(), sum(p.messages), max(p.settled_ms)
FROM
(
    SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14,
        person, groupBitOr(m.tested) AS tested, groupBitOr(m.reached) AS reached, count() AS messages, max(m.settled_ms) AS settled_ms
    FROM
    (
        SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14,
            person, message, groupBitOr(a.tested_bit) AS tested, groupBitOr(a.reached_bit) AS reached, max(a.settles_ms) AS settled_ms
        FROM
        (
            WITH
                transform(concat(r.account, '\0', r.channel, '\0', r.provider), {route_own_named:Array(String)}, {code_own_named:Array(UInt32)}, transform(concat(r.channel, '\0', r.provider), {route_named:Array(String)}, {code_named:Array(UInt32)}, transform(concat(r.account, '\0', r.channel), {route_own_other:Array(String)}, {code_own_other:Array(UInt32)}, transform(r.channel, {route_other:Array(String)}, {code_other:Array(UInt32)}, toUInt32(0))))) AS route,
                toUInt32(bitShiftLeft(toUInt32(1), indexOf({channels:Array(String)}, r.channel) - 1)) AS channel_bit
            SELECT
                r.account AS c0,
                r.provider AS c1,
                r.campaign AS c2,
                r.template AS c3,
                r.sender AS c4,
                r.app AS c5,
                r.operator AS c6,
                r.country AS c7,
                r.traffic AS c8,
                tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))) AS c9,
                toDate(r.cohort, {tz:String}) AS c10,
                toMonday(toDate(r.cohort, {tz:String})) AS c11,
                toStartOfMonth(toDate(r.cohort, {tz:String})) AS c12,
                toHour(r.cohort, {tz:String}) AS c13,
                toDayOfWeek(toDate(r.cohort, {tz:String})) AS c14,
                hash_of(r.account, r.person) AS person, hash_of(r.account, r.message_id) AS message,
                -- Where deliveries are not reported nobody is tested.
                if(bitTest(route, 0), channel_bit, 0) AS tested_bit,
                if(bitTest(r.code, 1) AND NOT (sipHash128(r.account, r.channel, r.app, r.recipient) IN
        (
            SELECT sipHash128(account, channel, app, recipient)
            FROM
            (
                SELECT account, channel, app, recipient, if(status = 'subscribed', 0, occurred_ms) AS lost_ms,
                    if(status = 'subscribed', occurred_ms, 0) AS back_ms, 0 AS delivered_ms
                FROM recipient_events
                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND account IN {filter_account:Array(String)} AND occurred_ms <= {as_of:Int64}
                UNION ALL
                WITH
                    multiIf(class IN ('blocked_by_user', 'opted_out', 'dnd'), code_ms,
                            class IN ('app_uninstalled', 'token_invalid') AND bitTest(code, 3), started_ms,
                            0) AS told_ms
                SELECT account, channel, app, recipient, if(told_ms <= {as_of:Int64}, told_ms, 0) AS lost_ms,
                    0 AS back_ms, if(bitTest(code, 1), c.delivered_ms, 0) AS delivered_ms
                FROM
                (
                    -- The class is a large expression, so it stands here once.
                    SELECT account, channel, app, recipient, code, delivered_ms, if(r.error_code = '', if(r.expired = 1, 'expired', 'unknown'),
    transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0', r.provider, '\0', r.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0*\0', r.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            transform(concat('\0', transform(r.channel, ['sms', 'flash_call', 'voice'], ['map', 'q850', 'q850'], ''), '\0', r.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    'unknown')))) AS class,
                        if(r.error_ms > 0, r.error_ms, if(r.start_ms = 9999999999999, r.cohort_ms, r.start_ms)) AS code_ms, if(r.start_ms = 9999999999999, r.cohort_ms, r.start_ms) AS started_ms
                    FROM
                    (
                        SELECT account, channel, app, recipient, provider, error_code, error_ms, expired, start_ms, cohort_ms,
                            code, delivered_ms
                        FROM attempts_by_recipient FINAL
                        WHERE (account, recipient) IN
                            (
                                SELECT account, recipient FROM recipient_events
                                WHERE status IN ('uninstalled', 'unsubscribed', 'blocked', 'subscribed') AND account IN {filter_account:Array(String)} AND status != 'subscribed'
                                UNION ALL
                                SELECT account, recipient FROM attempts_by_recipient
                                WHERE error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd')) AND account IN {filter_account:Array(String)}
                            )
                            AND (bitTest(code, 1) OR error_code IN (SELECT code FROM error_map WHERE class IN ('app_uninstalled', 'token_invalid', 'blocked_by_user', 'opted_out', 'dnd'))) AND account IN {filter_account:Array(String)}
                    ) AS r
                ) AS c
            )
            GROUP BY account, channel, app, recipient
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(delivered_ms) AND max(lost_ms) >= max(back_ms)
        ) OR (r.channel IN {phone_channels:Array(String)} AND (r.account, r.recipient) IN
            (SELECT account, number FROM number_health FINAL WHERE state = 'dead' AND account IN {filter_account:Array(String)}))), tested_bit, 0) AS reached_bit,
                r.cohort_ms + toInt64(bitShiftRight(route, 4)) * 86400000 AS settles_ms
            FROM
            (
                SELECT *, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort
                FROM attempts_by_recipient FINAL
                WHERE NOT bitTest(code, 6) AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000 AND account IN {filter_account:Array(String)}
            ) AS r
            WHERE r.account IN {filter_account:Array(String)}
                AND r.provider IN {filter_provider:Array(String)}
                AND r.campaign IN {filter_campaign:Array(String)}
                AND r.template IN {filter_template:Array(String)}
                AND r.sender IN {filter_sender:Array(String)}
                AND r.app IN {filter_app:Array(String)}
                AND r.operator IN {filter_operator:Array(String)}
                AND r.country IN {filter_country:Array(String)}
                AND r.traffic IN {filter_traffic:Array(String)}
                AND concat(formatDateTime(toDateTime(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).1 * 3600, 'UTC'), '%Y-%m-%dT%H:00:00', 'UTC'), if(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2 < 0, '-', '+'), leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(tuple(intDiv((toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60), 3600), (toInt64(toUInt16(toDate(r.cohort, {tz:String}))) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60) - toInt64(toUnixTimestamp(r.cohort))).2) % 3600, 60)), 2, '0')) IN {filter_hour:Array(String)}
                AND toString(toDate(r.cohort, {tz:String})) IN {filter_day:Array(String)}
                AND toString(toMonday(toDate(r.cohort, {tz:String}))) IN {filter_week:Array(String)}
                AND formatDateTime(toStartOfMonth(toDate(r.cohort, {tz:String})), '%Y-%m') IN {filter_month:Array(String)}
                AND toHour(r.cohort, {tz:String}) IN {filter_hour_of_day:Array(UInt8)}
                AND toDayOfWeek(toDate(r.cohort, {tz:String})) IN {filter_weekday:Array(UInt8)}
        ) AS a
        GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, person, message
    ) AS m
    GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, person
) AS p
GROUP BY c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, p.tested, p.reached
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
-- filter_provider = ["x' OR '1'='1 {id:String}"]
-- filter_campaign = ["x' OR '1'='1 {id:String}"]
-- filter_template = ["x' OR '1'='1 {id:String}"]
-- filter_sender = ["x' OR '1'='1 {id:String}"]
-- filter_app = ["x' OR '1'='1 {id:String}"]
-- filter_operator = ["x' OR '1'='1 {id:String}"]
-- filter_country = ["x' OR '1'='1 {id:String}"]
-- filter_traffic = [""]
-- filter_hour = ["2026-11-20T13:00:00+05:45"]
-- filter_day = ["2026-11-16"]
-- filter_week = ["2026-11-16"]
-- filter_month = ["2026-11"]
-- filter_hour_of_day = [1]
-- filter_weekday = [1]
-- tz = "Asia/Kathmandu"
