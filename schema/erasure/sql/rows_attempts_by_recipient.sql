-- Notes the rows that will be copied and then deleted. What is written after this waits for the next round, so nothing is deleted that was not copied.
-- Parameter: id. External table: erased (account, known, instead).
INSERT INTO erasing_rows (id, `table`, `row`)
SELECT DISTINCT {id:UUID}, 'attempts_by_recipient', sipHash64(bucket, message_id, step, generation, gone)
FROM attempts_by_recipient
WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
