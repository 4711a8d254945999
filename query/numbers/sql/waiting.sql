-- Numbers with new facts, whose verdict is still to come. Read after the dirty marks of hours: a mark is closed when its numbers are noted here.
SELECT count() FROM numbers_touched WHERE generation > (SELECT max(generation) FROM numbers_done)
