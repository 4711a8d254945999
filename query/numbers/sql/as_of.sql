-- Up to when everything is in the newest verdicts.
SELECT count() > 0, argMax(as_of_ms, generation) FROM numbers_done
