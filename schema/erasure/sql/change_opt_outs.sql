-- Deletes what was copied. Parameter: id.
ALTER TABLE opt_outs DELETE
WHERE (toString(account), recipient) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
    AND sipHash64(recipient, status, event_channel, event_app, occurred_ms, named, generation)
        IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'opt_outs')
