-- Publication is one insert of one block, and the ids only grow: whatever this answers is whole.
SELECT max(edition) FROM editions WHERE published
