-- The version that a row was given, and whether another row was given the same.
SELECT version, (SELECT count() FROM reference WHERE kind = {kind:String} AND version = own.version) > 1 AS tie
FROM (SELECT version FROM reference WHERE kind = {kind:String} AND id = {id:UUID}) AS own
