-- Everybody who ever opted out, and the messages that such events name.
SELECT DISTINCT account, recipient, false FROM recipient_events WHERE status IN ('unsubscribed', 'blocked', 'complained')
UNION ALL
SELECT DISTINCT account, message_id, true FROM named_messages
