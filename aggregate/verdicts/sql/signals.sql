-- What the people of touched numbers said of themselves, in the order of time. Which numbers: see wanted.sql.
SELECT account, recipient, groupArray(toString(status)), groupArray(toString(channel)), groupArray(toString(app)),
    groupArray(toString(sender)), groupArray(occurred_ms)
FROM
(
    SELECT account, recipient, status, channel, app, sender, max(occurred_ms) AS occurred_ms
    FROM recipient_events
    WHERE status IN ('blocked', 'unsubscribed', 'complained', 'subscribed', 'inbound')
        AND (startsWith(recipient, '+') OR startsWith(recipient, 'email:'))
        AND {{template "wanted" "recipient"}}
    -- Of each kind the latest decides.
    GROUP BY account, recipient, status, channel, app, sender
)
GROUP BY account, recipient
ORDER BY account, recipient
SETTINGS max_threads = 2
