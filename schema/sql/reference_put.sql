-- One version of one account's list. The number is given where it is stored, so a writer cannot have an old one in mind. Nothing is
-- stored when if_version is not negative and not the account's newest.
INSERT INTO reference (kind, account, version, id, at_ms, `by`, rows, body, why)
SELECT
    {kind:String}, {account:String}, 1 + (SELECT max(version) FROM reference WHERE kind = {kind:String}), {id:UUID}, {at_ms:Int64}, {by:String},
    {rows:UInt32}, {body:String}, {why:String}
WHERE {if_version:Int64} < 0 OR {if_version:Int64} = (SELECT max(version) FROM reference WHERE kind = {kind:String} AND account = {account:String})
