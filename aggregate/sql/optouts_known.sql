-- Everybody who ever opted out, with the first and the last time, and the messages that such events name.
SELECT account, recipient, false, min(occurred_ms), max(occurred_ms)
FROM recipient_events
WHERE status IN ('unsubscribed', 'blocked', 'complained')
GROUP BY account, recipient
UNION ALL
SELECT DISTINCT account, message_id, true, 0, 0 FROM named_messages
