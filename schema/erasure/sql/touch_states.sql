-- Has these hours computed from facts, which hold the pseudonym by now. Parameter: id (of the touch). External table: erased (account, known, instead).
INSERT INTO touched (account, bucket, id, at_ms, sign)
WITH
    (SELECT any(account) FROM erased) AS whose,
    concat(if(length(whose) < 128, char(length(whose)), char(bitOr(bitAnd(length(whose), 127), 128), bitShiftRight(length(whose), 7))), whose) AS beginning,
    (SELECT known FROM erased WHERE startsWith(known, '+')) AS wanted,
    (SELECT known FROM erased WHERE NOT startsWith(known, '+')) AS digits
SELECT DISTINCT whose, toDateTime(reinterpretAsUInt32(reverse(substring(key, length(beginning) + 1, 4))) * 3600, 'UTC'), {id:UUID}, toUnixTimestamp64Milli(now64(3)), 1
FROM (SELECT key, state FROM message_states UNION ALL SELECT key, state FROM settled_states)
WHERE startsWith(key, beginning)
    AND (position(state, concat(wanted, '\0')) > 0 OR position(state, concat(char(length(wanted)), wanted)) > 0 OR position(state, concat(char(length(digits)), digits)) > 0)
