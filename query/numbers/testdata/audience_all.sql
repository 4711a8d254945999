-- At equal times the loss wins: its rank is greater. A push that failed as the app is gone counts as uninstalled when it began. Rows of
-- recipient_events that are there twice change no maximum, so they are not merged here.
SELECT account, recipient, max(said_contact), channel, app, max((ms, rank)).1 AS since
FROM
(
    SELECT account, recipient, contact AS said_contact, channel, app, occurred_ms AS ms, transform(status, ['subscribed', 'unsubscribed', 'uninstalled'], [1, 2, 3], 0) AS rank
    FROM recipient_events
    WHERE status IN ('subscribed', 'unsubscribed', 'uninstalled')
    UNION ALL
    SELECT account, recipient, contact AS said_contact, channel, app, if(r.start_ms = 9999999999999, r.cohort_ms, r.start_ms) AS ms, 3 AS rank
    FROM
    (
        SELECT account, recipient, contact, channel, app, start_ms, cohort_ms, provider, error_code, expired
        FROM attempts_by_recipient FINAL
        WHERE channel IN {installed_channels:Array(String)} AND bitTest(code, 3)
    ) AS r
    WHERE if(r.error_code = '', if(r.expired = 1, 'expired', 'unknown'),
    transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0', r.provider, '\0', r.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0*\0', r.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            transform(concat('\0', transform(r.channel, ['sms', 'flash_call', 'voice'], ['map', 'q850', 'q850'], ''), '\0', r.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    'unknown')))) IN ('app_uninstalled', 'token_invalid')
)
GROUP BY account, recipient, channel, app
HAVING max((ms, rank)).2 = {rank:UInt8}
ORDER BY account, recipient, channel, app
-- rank = 1
-- installed_channels = ["push"]
