-- The accounts that know a number, three of them at most. External table: wanted (number).
SELECT DISTINCT toString(account) AS account
FROM
(
    SELECT account FROM attempts_by_recipient WHERE recipient IN (SELECT number FROM wanted)
    UNION ALL
    SELECT account FROM recipient_events WHERE recipient IN (SELECT number FROM wanted)
    UNION ALL
    SELECT account FROM number_health WHERE number IN (SELECT number FROM wanted)
    UNION ALL
    SELECT account FROM number_overrides WHERE number IN (SELECT number FROM wanted)
    UNION ALL
    SELECT account FROM orphans WHERE substring(recipient_country, 1, position(recipient_country, '\0') - 1) IN (SELECT number FROM wanted)
)
LIMIT 3
