-- The wanted step keys of accounts. A row that is there twice is the same row. External table: wanted (id), of all of these accounts.
SELECT account, leg, channel, provider, operator, country, traffic, sender, app, trigger, currencies
FROM legs
WHERE account IN {accounts:Array(String)} AND leg IN wanted
