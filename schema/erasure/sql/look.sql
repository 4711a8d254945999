-- How many rows of each table hold the number, those that are marked as deleted but still on disk too (setting apply_deleted_mask decides). Texts of dead letters are
-- judged by the program: see letters.sql. External table: erased (account, known, instead).
WITH
    (SELECT any(account) FROM erased) AS whose,
    -- A key of a state begins with the length of the account, as a varint, and the account.
    concat(if(length(whose) < 128, char(length(whose)), char(bitOr(bitAnd(length(whose), 127), 128), bitShiftRight(length(whose), 7))), whose) AS beginning,
    (SELECT known FROM erased WHERE startsWith(known, '+')) AS wanted,
    (SELECT known FROM erased WHERE NOT startsWith(known, '+')) AS digits
SELECT 'attempts' AS name, count() AS found FROM attempts
WHERE account = whose AND (startsWith(recipient_country, concat(wanted, '\0')) OR contact = wanted OR contact = digits)
UNION ALL
-- A state has the recipient with a NUL byte behind it, and before the contact its length (package state).
SELECT 'changes', count() FROM changes
WHERE account = whose AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
UNION ALL
SELECT 'message_states', count() FROM message_states WHERE startsWith(key, beginning) AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
UNION ALL
SELECT 'settled_states', count() FROM settled_states WHERE startsWith(key, beginning) AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
UNION ALL
SELECT 'state_log', count() FROM state_log WHERE startsWith(key, beginning) AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
UNION ALL
SELECT 'attempts_by_recipient', count() FROM attempts_by_recipient WHERE account = whose AND (recipient = wanted OR contact = wanted OR contact = digits OR person = wanted OR person = digits)
UNION ALL
SELECT 'recipient_events', count() FROM recipient_events WHERE account = whose AND (recipient = wanted OR contact = wanted OR contact = digits)
UNION ALL
SELECT 'dialogs', count() FROM dialogs WHERE account = whose AND recipient = wanted
UNION ALL
SELECT 'dialogs_by_person', count() FROM dialogs_by_person WHERE account = whose AND recipient = wanted
UNION ALL
SELECT 'opt_outs', count() FROM opt_outs WHERE account = whose AND recipient = wanted
UNION ALL
SELECT 'rollup_people', count() FROM rollup_people
WHERE account = whose AND (person IN (SELECT xxHash64(concat(account, '\0', known)) FROM erased) OR bitXor(person, other) IN (SELECT xxHash64(concat(account, '\0', known)) FROM erased))
UNION ALL
SELECT 'whole_people', count() FROM whole_people
WHERE account = whose AND (person IN (SELECT xxHash64(concat(account, '\0', known)) FROM erased) OR bitXor(person, other) IN (SELECT xxHash64(concat(account, '\0', known)) FROM erased))
UNION ALL
SELECT 'number_queue', count() FROM number_queue WHERE account = whose AND number = wanted
UNION ALL
SELECT 'numbers_touched', count() FROM numbers_touched WHERE account = whose AND number = wanted
UNION ALL
SELECT 'number_health', count() FROM number_health WHERE account = whose AND number = wanted
UNION ALL
SELECT 'number_health_before', count() FROM number_health_before WHERE account = whose AND number = wanted
UNION ALL
SELECT 'number_changes', count() FROM number_changes WHERE account = whose AND number = wanted
UNION ALL
SELECT 'number_overrides', count() FROM number_overrides WHERE account = whose AND number = wanted
