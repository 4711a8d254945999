-- Overwrites the number. Parameter: id.
ALTER TABLE dialogs UPDATE recipient = (SELECT any(instead) FROM erasing WHERE id = {id:UUID} AND startsWith(known, '+'))
WHERE (toString(account), recipient) IN (SELECT account, known FROM erasing WHERE id = {id:UUID})
