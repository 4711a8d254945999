-- Notes shapes that were never seen before, each from one of its messages. Parameters: generation, folded, heads.
-- External table: targets.
INSERT INTO shapes
WITH fresh AS
(
    SELECT DISTINCT account, shape
    FROM rollup_cascades
    WHERE (account, bucket) IN (SELECT account, bucket FROM targets) AND edition = {generation:UInt64}
        AND kind = 'difference' AND messages > 0 AND (account, shape) NOT IN (SELECT account, shape FROM shapes WHERE account IN (SELECT account FROM targets))
)
SELECT account, cityHash64(cityHash64(step, leg, code), sms_segments) AS shape, any(sms_segments), [any(leg)],
    [any(code)]
FROM {folded:Identifier}
WHERE NOT multi AND NOT is_skipped AND (account, shape) IN fresh
GROUP BY account, shape
UNION ALL
SELECT h.account, h.shape, any(h.one.3), arrayMap(s -> s.2, arraySort(groupArray((f.step, f.leg, f.code)))) AS legs,
    arrayMap(s -> s.3, arraySort(groupArray((f.step, f.leg, f.code)))) AS codes
FROM {folded:Identifier} AS f
INNER JOIN
(
    SELECT account, shape, argMin((bucket, message_id, sms_segments), message_id) AS one
    FROM {heads:Identifier}
    WHERE attempted > 0 AND (account, shape) IN fresh
    GROUP BY account, shape
) AS h ON h.account = f.account AND h.one.1 = f.bucket AND h.one.2 = f.message_id
WHERE f.multi AND NOT f.is_skipped
GROUP BY h.account, h.shape
SETTINGS insert_deduplicate = 0
