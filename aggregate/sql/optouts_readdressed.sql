-- The addresses that readdressed.sql takes attempts from. External table: moved (account, bucket, message_id, step,
-- recipient).
SELECT DISTINCT account, recipient
FROM attempts_by_recipient
WHERE bucket IN (SELECT bucket FROM moved)
    AND (account, bucket, message_id, step) IN (SELECT account, bucket, message_id, step FROM moved)
