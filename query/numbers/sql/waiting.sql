-- Numbers that were touched and whose verdict is still to come. Read after the touches: a touch is closed when its numbers are noted here.
SELECT count() FROM numbers_touched WHERE generation > (SELECT max(generation) FROM numbers_done)
