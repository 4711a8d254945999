SELECT account, at_ms, toString(id), key_id, `by`, method, route, about, address
FROM api_audit
WHERE ({every:Bool} OR account = {account:String}) AND at_ms >= {from:Int64} AND at_ms < {to:Int64}
    AND ({first:Bool} OR (at_ms, id) < ({before_ms:Int64}, {before_id:UUID}))
ORDER BY at_ms DESC, id DESC
LIMIT {limit:UInt32}
