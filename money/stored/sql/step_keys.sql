-- The wanted step keys of an account. A row that is there twice is the same row. External table: wanted (id).
SELECT leg, channel, provider, operator, country, traffic, sender, app, trigger, currencies
FROM legs
WHERE account = {account:String} AND leg IN wanted
