-- The people whose last word on an app was a certain one. At equal times the loss wins: its rank is greater. A push that failed as the app is gone
-- counts as uninstalled when it began. Rows of recipient_events that are there twice change no maximum, so they are not merged here.
-- External table: error_map.
SELECT account, recipient, app, max((ms, rank)).1 AS since
FROM
(
    SELECT account, recipient, app, occurred_ms AS ms, transform(status, ['subscribed', 'unsubscribed', 'uninstalled'], [1, 2, 3], 0) AS rank
    FROM recipient_events
    WHERE status IN ('subscribed', 'unsubscribed', 'uninstalled') AND account IN {accounts:Array(String)} AND app IN {apps:Array(String)} AND account >= {after_account:String}
            AND (account, recipient, app) > ({after_account:String}, {after_recipient:String}, {after_app:String})
    UNION ALL
    SELECT account, recipient, app, if(start_ms = 9999999999999, cohort_ms, start_ms) AS ms, 3 AS rank
    FROM
    (
        SELECT account, recipient, app, start_ms, cohort_ms, channel, provider, error_code, expired
        FROM attempts_by_recipient FINAL
        WHERE channel = 'push' AND bitTest(code, 3) AND account IN {accounts:Array(String)} AND app IN {apps:Array(String)} AND account >= {after_account:String}
            AND (account, recipient, app) > ({after_account:String}, {after_recipient:String}, {after_app:String})
    ) AS a
    WHERE if(a.error_code = '', if(a.expired = 1, 'expired', 'unknown'),
    transform(concat(if(a.account IN (SELECT account FROM error_map), a.account, ''), '\0', a.provider, '\0', a.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(a.account IN (SELECT account FROM error_map), a.account, ''), '\0*\0', a.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            transform(concat('\0', multiIf(a.channel = 'sms', 'map', a.channel IN ('voice', 'flash_call'), 'q850', ''), '\0', a.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    'unknown')))) IN ('app_uninstalled', 'token_invalid')
)
GROUP BY account, recipient, app
HAVING max((ms, rank)).2 = {rank:UInt8}
ORDER BY account, recipient, app
LIMIT {limit:UInt32}
-- rank = 3
-- accounts = ["acme","x' OR '1'='1 {id:String}"]
-- apps = ["","x' OR '1'='1 {id:String}"]
-- after_account = "acme"
-- after_recipient = "x' OR '1'='1 {id:String}"
-- after_app = ""
-- limit = 11
