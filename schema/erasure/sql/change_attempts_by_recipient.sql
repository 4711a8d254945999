-- Deletes what was copied, and overwrites the number where it is the contact or the person behind another recipient. Parameter: id.
ALTER TABLE attempts_by_recipient
    DELETE WHERE (toString(account), recipient) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
        AND sipHash64(bucket, message_id, step, generation, gone) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'attempts_by_recipient'),
    UPDATE contact = transform(contact,
        (SELECT arrayPushFront(groupArray(known), '') FROM (SELECT known FROM erasing WHERE id = {id:UUID} ORDER BY known)),
        (SELECT arrayPushFront(groupArray(instead), '') FROM (SELECT instead FROM erasing WHERE id = {id:UUID} ORDER BY known)), contact)
    WHERE (toString(account), contact) IN (SELECT account, known FROM erasing WHERE id = {id:UUID}),
    UPDATE person = transform(person,
        (SELECT arrayPushFront(groupArray(known), '') FROM (SELECT known FROM erasing WHERE id = {id:UUID} ORDER BY known)),
        (SELECT arrayPushFront(groupArray(instead), '') FROM (SELECT instead FROM erasing WHERE id = {id:UUID} ORDER BY known)), person)
    WHERE (toString(account), person) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
