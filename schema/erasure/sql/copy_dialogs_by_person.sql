-- Copies noted dialogs under the pseudonym, but for those it has: a row twice would be a delivery twice. Parameter: id. External table: erased (account, known, instead).
INSERT INTO dialogs_by_person
WITH
    (SELECT instead FROM erased WHERE startsWith(known, '+')) AS pseudonym,
    (SELECT any(account) FROM erased) AS whose
SELECT * REPLACE (pseudonym AS recipient)
FROM
(
    SELECT *
    FROM dialogs_by_person
    WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
        AND sipHash64(channel, sender, bucket, generation, message_id, step) IN (SELECT `row` FROM erasing_rows WHERE id = {id:UUID} AND `table` = 'dialogs_by_person')
        AND (channel, sender, bucket, generation, message_id, step) NOT IN
            (SELECT channel, sender, bucket, generation, message_id, step FROM dialogs_by_person WHERE account = whose AND recipient = pseudonym)
)
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0
