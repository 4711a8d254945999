-- Accounts of which all numbers are to be decided anew. Parameters: done, ready.
SELECT DISTINCT account FROM numbers_touched
WHERE generation > {done:UInt64} AND generation <= {ready:UInt64} AND number = ''
