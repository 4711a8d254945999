-- Notes legs that were never seen before. Parameter: folded. External table: targets (account, bucket).
INSERT INTO legs
SELECT account, leg, any(channel), any(provider), any(operator), any(country), any(traffic), any(sender), any(app),
    any(trigger), any(currencies)
FROM {folded:Identifier}
WHERE NOT is_skipped AND (account, leg) NOT IN (SELECT account, leg FROM legs
    WHERE account IN (SELECT account FROM targets))
GROUP BY account, leg
SETTINGS insert_deduplicate = 0
