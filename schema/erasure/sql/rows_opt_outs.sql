-- As rows_attempts_by_recipient.sql.
INSERT INTO erasing_rows (id, `table`, `row`)
SELECT DISTINCT {id:UUID}, 'opt_outs', sipHash64(recipient, status, event_channel, event_app, occurred_ms, named, generation)
FROM opt_outs
WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
