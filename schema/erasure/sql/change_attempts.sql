-- Overwrites the number, its mark and the person. A mark of several recipients (more than 16 bits) stays one of several. The arrays begin with a pair that
-- changes nothing, so that a ClickHouse which has forgotten table erasing does not stumble over empty ones. Parameter: id.
ALTER TABLE attempts UPDATE
    recipient_country = if((toString(account), substring(recipient_country, 1, position(recipient_country, '\0') - 1)) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}),
        concat((SELECT any(instead) FROM erasing WHERE id = {id:UUID} AND startsWith(known, '+')), substring(recipient_country, position(recipient_country, '\0'))),
        recipient_country),
    recipient_mark = if((toString(account), substring(recipient_country, 1, position(recipient_country, '\0') - 1)) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}),
        bitOr(if(bitCount(recipient_mark) > 16, recipient_mark, 0), toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(concat(
            (SELECT any(instead) FROM erasing WHERE id = {id:UUID} AND startsWith(known, '+')), substring(recipient_country, position(recipient_country, '\0')))), 65535)), 16)
            + 65535 - bitAnd(cityHash64(concat(
            (SELECT any(instead) FROM erasing WHERE id = {id:UUID} AND startsWith(known, '+')), substring(recipient_country, position(recipient_country, '\0')))), 65535))),
        recipient_mark),
    contact = if((toString(account), contact) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}), transform(contact,
        (SELECT arrayPushFront(groupArray(known), '') FROM (SELECT known FROM erasing WHERE id = {id:UUID} ORDER BY known)),
        (SELECT arrayPushFront(groupArray(instead), '') FROM (SELECT instead FROM erasing WHERE id = {id:UUID} ORDER BY known)), contact), contact)
WHERE account IN (SELECT account FROM erasing WHERE id = {id:UUID})
    AND ((toString(account), substring(recipient_country, 1, position(recipient_country, '\0') - 1)) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
        OR (toString(account), contact) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}))
