DELETE FROM api_views WHERE account = {account:String} AND key_id = {key_id:String} AND id = {id:UUID}
