-- Copies noted attributions under the pseudonym; a row twice changes nothing, for of an event one counts. Parameter: id. External table: erased (account, known, instead).
INSERT INTO opt_outs
WITH (SELECT instead FROM erased WHERE startsWith(known, '+')) AS pseudonym
SELECT * REPLACE (pseudonym AS recipient)
FROM
(
    SELECT *
    FROM opt_outs
    WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
        AND sipHash64(recipient, status, event_channel, event_app, occurred_ms, named, generation)
            IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'opt_outs')
)
SETTINGS insert_deduplicate = 0
