-- Names hours that this generation, which is computed and not published yet, would publish less of than was published
-- before, and takes the name off those that are whole again. It compares attempts, and those sent, delivered, read,
-- clicked and answered. No event lowers these, but what rollup_attempts counts as lowered: a bounce, or more parts than
-- were known. Attempts that a split moved to another bucket are not missing. Parameters: generation, rollups, now (Unix
-- ms). External table: targets (account, bucket).
INSERT INTO lost_hours
WITH
    before AS
    (
        SELECT account, bucket
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
        SELECT account, bucket, [sum(attempts), sum(s), sum(d), sum(r), sum(c), sum(a)] AS after, sum(l) AS lowered,
            [sumIf(attempts, is_old), sumIf(s, is_old), sumIf(d, is_old), sumIf(r, is_old), sumIf(c, is_old),
                sumIf(a, is_old)] AS earlier
        FROM
        (
            SELECT p.account AS account, p.bucket AS bucket, true AS is_old, p.attempted + p.skipped AS attempts,
                p.sent AS s, p.delivered AS d, p.read AS r, p.clicked AS c, p.replied AS a, p.lowered AS l
            {{template "published" "rollup_attempts"}}
            UNION ALL
            SELECT account, bucket, false, attempted + skipped, sent, delivered, read, clicked, replied, lowered
            FROM rollup_attempts
            WHERE edition = {generation:UInt64} AND kind = 'difference'
                AND (account, bucket) IN (SELECT account, bucket FROM targets)
        )
        GROUP BY account, bucket
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
    SELECT t.account AS account, t.bucket AS bucket,
        (t.account, t.bucket) IN (SELECT account, bucket FROM before) AS is_current, k.state = 'open' AND notEmpty(k.published) AS was_open,
        k.since_ms AS since_ms,
        arrayMap(n -> greatest(n, 0)::UInt64, arrayResize(n.after, 6, 0)) AS present,
        arrayMap((was, named) -> greatest(was, if(was_open, named, 0)),
            arrayMap(n -> if(is_current, greatest(n, 0), 0)::UInt64, arrayResize(n.earlier, 6, 0)),
            arrayResize(k.published, 6, 0)) AS wanted,
        arrayExists((want, have) -> want > have + h.attempts + n.lowered, wanted, present) AS is_lost
    FROM targets AS t
    LEFT JOIN known AS k ON k.account = t.account AND k.bucket = t.bucket
    LEFT JOIN sums AS n ON n.account = t.account AND n.bucket = t.bucket
    LEFT JOIN hidden AS h ON h.account = t.account AND h.bucket = t.bucket
)
WHERE is_lost OR was_open
SETTINGS join_use_nulls = 0, insert_deduplicate = 0, max_insert_threads = 1
