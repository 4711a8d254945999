-- Parks noted events again, under the pseudonym and with other bytes; their place is their key. External tables: erased (account, known, instead),
-- rewritten (row, raw).
INSERT INTO orphans
WITH
    (SELECT groupArray(known) FROM (SELECT known FROM erased ORDER BY known)) AS known,
    (SELECT groupArray(instead) FROM (SELECT instead FROM erased ORDER BY known)) AS instead
SELECT * EXCEPT (rewritten_raw) REPLACE (
    concat(transform(substring(recipient_country, 1, position(recipient_country, '\0') - 1), known, instead, substring(recipient_country, 1, position(recipient_country, '\0') - 1)),
        substring(recipient_country, position(recipient_country, '\0'))) AS recipient_country,
    transform(contact, known, instead, contact) AS contact, rewritten_raw AS raw)
FROM
(
    SELECT o.*, r.raw AS rewritten_raw
    FROM orphans AS o
    INNER JOIN rewritten AS r ON r.`row` = sipHash64(o.topic, o.partition, o.offset, o.line, o.raw)
)
SETTINGS insert_deduplicate = 0
