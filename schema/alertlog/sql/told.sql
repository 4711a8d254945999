-- What receivers acknowledged, and what was given up, lately.
SELECT toString(account), toString(receiver), id, end = 1 FROM alert_told
WHERE at >= toDateTime64({since_ms:Int64} / 1000, 3, 'UTC') - INTERVAL 1 DAY
