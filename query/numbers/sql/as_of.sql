-- Up to when everything is in the verdicts of the last round.
SELECT count() > 0, argMax(as_of_ms, generation) FROM numbers_done
