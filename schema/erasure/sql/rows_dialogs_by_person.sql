-- As rows_attempts_by_recipient.sql.
INSERT INTO erasing_rows (id, `table`, `row`)
SELECT DISTINCT {id:UUID}, 'dialogs_by_person', sipHash64(channel, sender, bucket, generation, message_id, step)
FROM dialogs_by_person
WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
