-- Accounts of whose days something was published since a day, and those whose alerts are open.
SELECT DISTINCT toString(account) AS name FROM day_changes WHERE day >= {since:Date}
UNION DISTINCT
SELECT toString(account) AS name FROM alert_events GROUP BY name, id HAVING argMax(until_ms, seq) = 0
ORDER BY name
