-- The newest edition that was published, and those that were begun and are not. Publication is one insert of one block, and the ids only grow: whatever this
-- answers is whole.
SELECT maxIf(edition, is_published), groupArrayIf(edition, NOT is_published)
FROM (SELECT edition, max(published) AS is_published FROM editions GROUP BY edition)
