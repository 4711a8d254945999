-- The wanted pricing signatures of accounts, packed, a row for each account: for each of them shape (8 bytes), sms_segments (2), the number of steps (2), and
-- for each step the id of its key in table legs (8) and its code (4), all little-endian. A row that is there twice is the same row. External table:
-- wanted (id), of all of these accounts.
SELECT account, arrayStringConcat(groupArray(concat(reinterpretAsFixedString(shape), reinterpretAsFixedString(sms_segments),
    reinterpretAsFixedString(toUInt16(length(legs))),
    arrayStringConcat(arrayMap((leg, code) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code)), legs, codes)))))
FROM shapes
WHERE account IN {accounts:Array(String)} AND shape IN wanted
GROUP BY account
