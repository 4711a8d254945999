-- Publication is one insert of one block, and the ids only grow: whatever this answers is a whole set of buckets.
SELECT max(generation) FROM generations
