-- Which of these numbers stand in plain where their events belong: looked for there alone, by the keys of the tables; but changes, of which
-- there are few, have the batch for their key.
-- External table: hidden (i, account, number, message_id, bucket, topic, partition, offset, line).
WITH
    attempts_there AS
    (
        SELECT account, bucket, message_id, substring(recipient_country, 1, position(recipient_country, '\0') - 1) AS recipient, contact
        FROM attempts
        WHERE (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM hidden)
    ),
    changes_there AS
    (
        SELECT account, bucket, message_id, state FROM changes WHERE (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM hidden WHERE message_id != '')
    ),
    parked_there AS
    (
        SELECT account, message_id, raw FROM orphans WHERE (account, message_id) IN (SELECT account, message_id FROM hidden)
    ),
    letters_there AS
    (
        SELECT topic, partition, offset, line, raw FROM rejected WHERE (topic, partition, offset, line) IN (SELECT topic, partition, offset, line FROM hidden WHERE topic != '')
    )
SELECT i FROM hidden
WHERE message_id != '' AND ((account, bucket, message_id, number) IN (SELECT account, bucket, message_id, recipient FROM attempts_there)
    OR (account, bucket, message_id, number) IN (SELECT account, bucket, message_id, contact FROM attempts_there)
    OR (account, bucket, message_id, substring(number, 2)) IN (SELECT account, bucket, message_id, contact FROM attempts_there))
UNION ALL
SELECT i FROM hidden
WHERE message_id = '' AND topic = '' AND (account, number) IN
    (SELECT account, recipient FROM recipient_events WHERE (account, recipient) IN (SELECT account, number FROM hidden WHERE message_id = ''))
UNION ALL
SELECT h.i FROM hidden AS h INNER JOIN parked_there AS p ON p.account = h.account AND p.message_id = h.message_id WHERE position(p.raw, substring(h.number, 2)) > 0
UNION ALL
SELECT h.i FROM hidden AS h INNER JOIN letters_there AS l ON l.topic = h.topic AND l.partition = h.partition AND l.offset = h.offset AND l.line = h.line
WHERE position(l.raw, substring(h.number, 2)) > 0
UNION ALL
SELECT h.i FROM hidden AS h INNER JOIN changes_there AS c ON c.account = h.account AND c.bucket = h.bucket AND c.message_id = h.message_id
WHERE position(c.state, concat(h.number, '\0')) > 0 OR position(c.state, concat(char(length(h.number)), h.number)) > 0
    OR position(c.state, concat(char(length(h.number) - 1), substring(h.number, 2))) > 0
