-- Copies noted rows under the pseudonym; copying them again changes nothing. That an attempt is gone is not copied where the pseudonym has it from the same pass:
-- such a pass saw the number and the pseudonym side by side. Parameter: id. External table: erased (account, known, instead).
INSERT INTO attempts_by_recipient
WITH
    (SELECT instead FROM erased WHERE startsWith(known, '+')) AS pseudonym,
    (SELECT any(account) FROM erased) AS whose
SELECT * REPLACE (pseudonym AS recipient)
FROM
(
    SELECT *
    FROM attempts_by_recipient
    WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
        AND sipHash64(bucket, message_id, step, generation, gone) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'attempts_by_recipient')
        AND NOT (gone = 1 AND (bucket, message_id, step, generation) IN
            (SELECT bucket, message_id, step, generation FROM attempts_by_recipient WHERE account = whose AND recipient = pseudonym AND gone = 0))
)
SETTINGS insert_deduplicate = 0
