-- The addresses of messages that are stored in these hours, and count in another one. External table: targets (account,
-- bucket).
SELECT DISTINCT account, substring(recipient_country, 1, position(recipient_country, '\0') - 1)
FROM attempts
WHERE (account, bucket, message_id) IN
    (SELECT account, bucket, message_id FROM splits WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
