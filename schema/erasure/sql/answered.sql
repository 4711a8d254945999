-- Whether the touch is closed and the verdict that it asked for is decided. Parameters: id, account, nobody (an address
-- that nobody has).
SELECT (SELECT sum(sign) FROM touched WHERE id = {id:UUID}) <= 0
    AND (SELECT count() FROM numbers_touched WHERE account = {account:String} AND number = {nobody:String}
        AND generation > (SELECT max(generation) FROM numbers_done)) = 0
