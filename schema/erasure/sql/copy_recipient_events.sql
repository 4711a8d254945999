-- Copies noted events under the pseudonym; the whole row is its key, so copying it again changes nothing. Parameter: id. External table: erased (account, known, instead).
INSERT INTO recipient_events
WITH
    (SELECT groupArray(known) FROM (SELECT known FROM erased ORDER BY known)) AS known,
    (SELECT groupArray(instead) FROM (SELECT instead FROM erased ORDER BY known)) AS instead
SELECT * REPLACE (transform(recipient, known, instead, recipient) AS recipient, transform(contact, known, instead, contact) AS contact)
FROM
(
    SELECT *
    FROM recipient_events
    WHERE ((toString(account), recipient) IN (SELECT account, known FROM erased) OR (toString(account), contact) IN (SELECT account, known FROM erased))
        AND sipHash64(recipient, status, channel, app, occurred_ms, provider, sender, campaign, message_id, contact, operator, ported, valid, owner_changed_ms, country, error_code)
            IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'recipient_events')
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0
