-- By the rules of opt_outs, whatever the sender.
SELECT account, recipient, max(contact), channel, app, max(since_ms) AS since
FROM
(
SELECT o.account AS account, o.recipient AS recipient, o.channel AS channel, o.app AS app, o.sender AS sender, o.kind AS kind, o.since_ms AS since_ms, o.contact AS contact
FROM
(
    SELECT account, recipient, channel, app, sender, kind, max(at_ms) AS since_ms, max(said_contact) AS contact
    FROM
    (
        SELECT account, recipient, channel, app, sender, contact AS said_contact, status AS kind, occurred_ms AS at_ms
        FROM recipient_events
        WHERE status IN {kinds:Array(String)} AND account = {account:String} AND channel IN {channels:Array(String)}
        UNION ALL
        SELECT account, recipient, channel, app, sender, contact AS said_contact, if(if(r.error_code = '', if(r.expired = 1, 'expired', 'unknown'),
    transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0', r.provider, '\0', r.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if(r.account IN (SELECT account FROM error_map), r.account, ''), '\0*\0', r.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            transform(concat('\0', transform(r.channel, ['sms', 'flash_call', 'voice'], ['map', 'q850', 'q850'], ''), '\0', r.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    'unknown')))) = 'blocked_by_user', 'blocked', 'unsubscribed') AS kind, if(r.error_ms > 0, r.error_ms, if(r.start_ms = 9999999999999, r.cohort_ms, r.start_ms)) AS at_ms
        FROM
        (
            SELECT account, recipient, channel, app, sender, contact, provider, error_code, error_ms, expired, start_ms, cohort_ms
            FROM attempts_by_recipient FINAL
            WHERE error_code IN (SELECT code FROM error_map WHERE class IN ('blocked_by_user', 'opted_out', 'dnd')) AND account = {account:String} AND channel IN {channels:Array(String)}
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
    'unknown')))) IN ('blocked_by_user', 'opted_out', 'dnd') AND kind IN {kinds:Array(String)}
    )
    GROUP BY account, recipient, channel, app, sender, kind
) AS o
LEFT ANY JOIN
(
    -- What ends opt-outs there: subscribed ends each, and any other sign of life ends a block.
    SELECT account, recipient, channel, app, max(subscribed_ms) AS subscribed_ms, groupArray((sender, alive_ms)) AS alive
    FROM
    (
        SELECT account, recipient, channel, app, sender, max(if(status = 'subscribed', occurred_ms, 0)) AS subscribed_ms, max(occurred_ms) AS alive_ms
        FROM recipient_events
        WHERE status IN ('subscribed', 'inbound') AND account = {account:String} AND channel IN {channels:Array(String)}
        GROUP BY account, recipient, channel, app, sender
        UNION ALL
        SELECT a.account AS account, a.recipient AS recipient, a.channel AS channel, a.app AS app, a.sender AS sender, 0 AS subscribed_ms,
            max(greatest(a.read_ms, p.replied_ms)) AS alive_ms
        FROM
        (
            SELECT account, recipient, channel, app, sender, bucket, message_id, step, read_ms
            FROM attempts_by_recipient FINAL
            WHERE (account, recipient) IN (SELECT account, recipient FROM recipient_events WHERE status = 'blocked' AND has({kinds:Array(String)}, 'blocked') AND account = {account:String} AND channel IN {channels:Array(String)}
                UNION ALL
                SELECT account, recipient FROM attempts_by_recipient WHERE error_code IN (SELECT code FROM error_map WHERE class IN ('blocked_by_user', 'opted_out', 'dnd')) AND has({kinds:Array(String)}, 'blocked') AND account = {account:String} AND channel IN {channels:Array(String)}) AND bitTest(code, 2) AND account = {account:String} AND channel IN {channels:Array(String)}
        ) AS a
        LEFT ANY JOIN
        (
            SELECT account, bucket, message_id, step, max(replies.replied_ms) AS replied_ms
            FROM replies
            WHERE (account, message_id) IN
                (SELECT account, message_id FROM attempts_by_recipient WHERE (account, recipient) IN (SELECT account, recipient FROM recipient_events WHERE status = 'blocked' AND has({kinds:Array(String)}, 'blocked') AND account = {account:String} AND channel IN {channels:Array(String)}
                UNION ALL
                SELECT account, recipient FROM attempts_by_recipient WHERE error_code IN (SELECT code FROM error_map WHERE class IN ('blocked_by_user', 'opted_out', 'dnd')) AND has({kinds:Array(String)}, 'blocked') AND account = {account:String} AND channel IN {channels:Array(String)}) AND bitTest(code, 2) AND account = {account:String} AND channel IN {channels:Array(String)})
            GROUP BY account, bucket, message_id, step
        ) AS p ON p.account = a.account AND p.bucket = a.bucket AND p.message_id = a.message_id AND p.step = a.step
        GROUP BY account, recipient, channel, app, sender
    )
    GROUP BY account, recipient, channel, app
) AS e ON e.account = o.account AND e.recipient = o.recipient AND e.channel = o.channel AND e.app = o.app
WHERE if(o.kind = 'blocked', NOT arrayExists(a -> a.2 > o.since_ms AND (a.1 = '' OR o.sender = '' OR a.1 = o.sender), e.alive), e.subscribed_ms <= o.since_ms)
)
GROUP BY account, recipient, channel, app
ORDER BY account, recipient, channel, app
LIMIT {limit:UInt32}
-- kinds = ["blocked"]
-- account = "x' OR '1'='1 {id:String}"
-- channels = ["viber"]
-- limit = 11
