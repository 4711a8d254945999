SELECT version, at_ms, views
FROM api_views
WHERE account = {account:String} AND key_id = {key_id:String}
ORDER BY version DESC, id DESC
LIMIT 1
