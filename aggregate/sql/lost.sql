-- Names hours that this generation, which is computed and not published yet, would publish less of than was published
-- before, and takes the name off those that are whole again. It compares attempts, and those sent, delivered, read,
-- clicked and answered. No event lowers these, but what rollup_attempts counts as lowered: a bounce, or more parts than
-- were known. Attempts that a split moved to another bucket are not missing. Parameters: generation, rollups, now (Unix
-- ms). External table: targets (account, bucket).
INSERT INTO lost_hours
WITH
    before AS
    (
        SELECT account, bucket, max(generation) AS newest
        FROM generations
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
        GROUP BY account, bucket
        HAVING argMax(rollups, generation) = {rollups:UInt8}
    ),
    known AS
    (
        SELECT account, bucket, argMax(published, version) AS published, argMax(since_ms, version) AS since_ms,
            argMax(state, version) AS state
        FROM lost_hours
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
        GROUP BY account, bucket
    ),
    sums AS
    (
        SELECT account, bucket, generation, [sum(attempted + skipped), sum(sent), sum(delivered), sum(read),
            sum(clicked), sum(replied)] AS counts, sum(lowered) AS lowered
        FROM rollup_attempts
        WHERE (account, bucket) IN (SELECT account, bucket FROM targets)
            AND (generation = {generation:UInt64} OR (account, bucket, generation) IN (SELECT account, bucket, newest
                FROM before))
        GROUP BY account, bucket, generation
    ),
    hidden AS
    (
        SELECT account, bucket, uniqExact(message_id, step) AS attempts
        FROM attempts
        WHERE (account, bucket, message_id) IN
            (SELECT account, bucket, message_id FROM splits
                WHERE (account, bucket) IN (SELECT account, bucket FROM targets))
        GROUP BY account, bucket
    )
SELECT account, bucket, wanted, present, if(is_lost, 'open', 'restored'), if(was_open, since_ms, {now:Int64}),
    {generation:UInt64}
FROM
(
    SELECT t.account AS account, t.bucket AS bucket, k.state = 'open' AND notEmpty(k.published) AS was_open,
        k.since_ms AS since_ms,
        arrayResize(n.counts, 6, 0) AS present,
        arrayMap((was, named) -> greatest(was, if(was_open, named, 0)), arrayResize(o.counts, 6, 0),
            arrayResize(k.published, 6, 0)) AS wanted,
        arrayExists((want, have) -> want > have + h.attempts + n.lowered, wanted, present) AS is_lost
    FROM targets AS t
    LEFT JOIN known AS k ON k.account = t.account AND k.bucket = t.bucket
    LEFT JOIN (SELECT * FROM sums WHERE generation = {generation:UInt64}) AS n
        ON n.account = t.account AND n.bucket = t.bucket
    LEFT JOIN (SELECT * FROM sums WHERE generation != {generation:UInt64}) AS o
        ON o.account = t.account AND o.bucket = t.bucket
    LEFT JOIN hidden AS h ON h.account = t.account AND h.bucket = t.bucket
)
WHERE is_lost OR was_open
SETTINGS join_use_nulls = 0, insert_deduplicate = 0, max_insert_threads = 1
