-- Keeps verdicts that are about to be replaced, for lists that are being paged through. External table: replaced
-- (account, number).
INSERT INTO number_health_before
SELECT *, now() FROM number_health FINAL PREWHERE (account, number) IN (SELECT account, number FROM replaced)
SETTINGS insert_deduplicate = 0
