DELETE FROM api_views WHERE account = {account:String} AND key_id = {key_id:String} AND version < {version:UInt64}
