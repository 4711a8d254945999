DELETE FROM reference WHERE kind = {kind:String} AND id = {id:UUID}
