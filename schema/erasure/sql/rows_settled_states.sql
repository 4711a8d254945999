-- Notes the states that hold the number, as look.sql finds them. Parameter: id. External table: erased (account, known, instead).
INSERT INTO erasing_rows (id, `table`, `row`)
WITH
    (SELECT any(account) FROM erased) AS whose,
    concat(if(length(whose) < 128, char(length(whose)), char(bitOr(bitAnd(length(whose), 127), 128), bitShiftRight(length(whose), 7))), whose) AS beginning,
    (SELECT known FROM erased WHERE startsWith(known, '+')) AS wanted,
    (SELECT known FROM erased WHERE NOT startsWith(known, '+')) AS digits
SELECT DISTINCT {id:UUID}, 'settled_states', sipHash64(key, state)
FROM settled_states
WHERE startsWith(key, beginning)
    AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
