-- Deletes what was copied. Parameter: id.
ALTER TABLE recipient_events DELETE
WHERE ((toString(account), recipient) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}) OR (toString(account), contact) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}))
    AND sipHash64(recipient, status, channel, app, occurred_ms, provider, sender, campaign, message_id, contact, operator, ported, valid, owner_changed_ms, country, error_code)
        IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'recipient_events')
