-- Renames the number in what is known of people: sums stay as they are, whatever is published meanwhile. The arrays begin with a pair that changes nothing
-- (change_attempts.sql). Parameters: id, table.
ALTER TABLE {table:Identifier} UPDATE
    other = bitXor(
        transform(bitXor(person, other),
            (SELECT arrayPushFront(groupArray(hash), 0) FROM (SELECT xxHash64(concat(account, '\0', known)) AS hash FROM erasing WHERE id = {id:UUID} ORDER BY known)),
            (SELECT arrayPushFront(groupArray(hash), 0) FROM (SELECT xxHash64(concat(account, '\0', instead)) AS hash FROM erasing WHERE id = {id:UUID} ORDER BY known)),
            bitXor(person, other)),
        transform(person,
            (SELECT arrayPushFront(groupArray(hash), 0) FROM (SELECT xxHash64(concat(account, '\0', known)) AS hash FROM erasing WHERE id = {id:UUID} ORDER BY known)),
            (SELECT arrayPushFront(groupArray(hash), 0) FROM (SELECT xxHash64(concat(account, '\0', instead)) AS hash FROM erasing WHERE id = {id:UUID} ORDER BY known)),
            person)),
    person = transform(person,
        (SELECT arrayPushFront(groupArray(hash), 0) FROM (SELECT xxHash64(concat(account, '\0', known)) AS hash FROM erasing WHERE id = {id:UUID} ORDER BY known)),
        (SELECT arrayPushFront(groupArray(hash), 0) FROM (SELECT xxHash64(concat(account, '\0', instead)) AS hash FROM erasing WHERE id = {id:UUID} ORDER BY known)),
        person)
WHERE account IN (SELECT account FROM erasing WHERE id = {id:UUID})
    AND (person IN (SELECT xxHash64(concat(account, '\0', known)) FROM erasing WHERE id = {id:UUID})
        OR bitXor(person, other) IN (SELECT xxHash64(concat(account, '\0', known)) FROM erasing WHERE id = {id:UUID}))
