-- Notes the changes that hold the number, as look.sql finds them. What is written after this waits for the next round. Parameter: id.
-- External table: erased (account, known, instead).
INSERT INTO erasing_rows (id, `table`, `row`)
WITH
    (SELECT any(account) FROM erased) AS whose,
    (SELECT known FROM erased WHERE startsWith(known, '+')) AS wanted,
    (SELECT known FROM erased WHERE NOT startsWith(known, '+')) AS digits
SELECT DISTINCT {id:UUID}, 'changes', sipHash64(batch, message_id, state)
FROM changes
WHERE account = whose
    AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
