-- The first changes after a position in the feed, in its order. Where they end is found first, from one column: sorting
-- whole rows of a long backlog for each window of it would read them over and over.
SELECT account, number, `from`, `to`, rule, at_ms, seen_ms, seq
FROM number_changes
WHERE seq > {after:UInt64}
    AND seq <= (SELECT max(seq) FROM (SELECT seq FROM number_changes WHERE seq > {after:UInt64} ORDER BY seq
        LIMIT {limit:UInt32}))
ORDER BY seq
