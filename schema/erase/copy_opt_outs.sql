-- Copies noted attributions under the pseudonym, but for those it has. Parameter: id. External table: erased (account, known, instead).
INSERT INTO opt_outs
WITH
    (SELECT instead FROM erased WHERE startsWith(known, '+')) AS pseudonym,
    (SELECT any(account) FROM erased) AS whose
SELECT * REPLACE (pseudonym AS recipient)
FROM
(
    SELECT *
    FROM opt_outs
    WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
        AND sipHash64(status, event_channel, event_app, occurred_ms, named, generation) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'opt_outs')
        AND (status, event_channel, event_app, occurred_ms, named, generation) NOT IN
            (SELECT status, event_channel, event_app, occurred_ms, named, generation FROM opt_outs WHERE account = whose AND recipient = pseudonym)
)
SETTINGS insert_deduplicate = 0
