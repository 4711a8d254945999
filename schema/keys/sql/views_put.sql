-- The next version of a key's views. Nothing is stored when if_version is not negative and not the newest.
INSERT INTO api_views (account, key_id, version, id, at_ms, views)
SELECT {account:String}, {key_id:String}, 1 + newest, {id:UUID}, {at_ms:Int64}, {views:String}
FROM (SELECT max(version) AS newest FROM api_views WHERE account = {account:String} AND key_id = {key_id:String})
WHERE {if_version:Int64} < 0 OR {if_version:Int64} = newest
