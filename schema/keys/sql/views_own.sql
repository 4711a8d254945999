-- The version that a row was given, and whether another row was given the same.
SELECT
    version,
    (SELECT count() FROM api_views WHERE account = {account:String} AND key_id = {key_id:String} AND version = own.version) > 1 AS tie
FROM (SELECT version FROM api_views WHERE account = {account:String} AND key_id = {key_id:String} AND id = {id:UUID}) AS own
