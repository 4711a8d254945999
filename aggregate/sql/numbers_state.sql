-- Where the decisions on numbers stand: the generations up to which they are done and asked for, and the greatest number given to a verdict or a change.
SELECT (SELECT max(generation) FROM numbers_done), (SELECT max(generation) FROM numbers_touched),
    greatest((SELECT max(version) FROM number_health), (SELECT max(seq) FROM number_changes))
