-- As rows_attempts_by_recipient.sql.
INSERT INTO erasing_rows (id, `table`, `row`)
SELECT DISTINCT {id:UUID}, 'recipient_events', sipHash64(recipient, status, channel, app, occurred_ms, provider, sender, campaign, message_id, contact, operator, ported, valid,
    owner_changed_ms, country, error_code)
FROM recipient_events
WHERE (toString(account), recipient) IN (SELECT account, known FROM erased) OR (toString(account), contact) IN (SELECT account, known FROM erased)
