-- The addresses of messages that are stored in these hours, and count in another one. External table: targets (account,
-- bucket).
SELECT DISTINCT account, recipient
FROM attempts_by_recipient
WHERE bucket IN (SELECT bucket FROM targets) AND (account, bucket, message_id) IN
    (SELECT account, bucket, message_id FROM splits WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
