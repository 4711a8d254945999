-- How many rows of each table hold the number, those that are marked as deleted but still on disk too (setting apply_deleted_mask decides). Texts of dead letters are
-- judged by the program: see letters.sql. External table: erased (account, known, instead).
WITH
    (SELECT groupUniqArray(account) FROM erased) AS accounts
SELECT 'attempts' AS name, count() AS found FROM attempts
WHERE has(accounts, toString(account)) AND ((toString(account), substring(recipient_country, 1, position(recipient_country, '\0') - 1)) IN (SELECT account, known FROM erased)
    OR (toString(account), contact) IN (SELECT account, known FROM erased))
UNION ALL
SELECT 'attempts_by_recipient', count() FROM attempts_by_recipient
WHERE has(accounts, toString(account)) AND ((toString(account), recipient) IN (SELECT account, known FROM erased) OR (toString(account), contact) IN (SELECT account, known FROM erased))
UNION ALL
SELECT 'recipient_events', count() FROM recipient_events
WHERE has(accounts, toString(account)) AND ((toString(account), recipient) IN (SELECT account, known FROM erased) OR (toString(account), contact) IN (SELECT account, known FROM erased))
UNION ALL
SELECT 'dialogs', count() FROM dialogs WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'dialogs_by_person', count() FROM dialogs_by_person WHERE (toString(account), recipient) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'number_queue', count() FROM number_queue WHERE (toString(account), number) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'numbers_touched', count() FROM numbers_touched WHERE (toString(account), number) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'number_health', count() FROM number_health WHERE (toString(account), number) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'number_health_before', count() FROM number_health_before WHERE (toString(account), number) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'number_changes', count() FROM number_changes WHERE (toString(account), number) IN (SELECT account, known FROM erased)
UNION ALL
SELECT 'number_overrides', count() FROM number_overrides WHERE (toString(account), number) IN (SELECT account, known FROM erased)
