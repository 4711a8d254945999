-- Deletes what was copied. Parameter: id.
ALTER TABLE dialogs_by_person DELETE
WHERE (toString(account), recipient) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
    AND sipHash64(channel, sender, bucket, generation, message_id, step) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'dialogs_by_person')
