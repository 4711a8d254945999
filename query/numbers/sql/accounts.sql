-- Whether one account has numbers, or several.
SELECT groupArray(toString(account)) FROM (SELECT DISTINCT account FROM number_health LIMIT 2)
