-- Takes the name off broken parts whose loss shows elsewhere: attempts in lost_hours, and what is computed from them
-- was computed anew. Parts of other tables stay named until somebody accepts them, for nothing tells whether the topic
-- still had all that they held.
INSERT INTO broken_parts
SELECT table, part, 'mended', toUnixTimestamp64Milli(now64(3)),
    greatest(max(version) + 1, toUnixTimestamp64Micro(now64(6)))
FROM broken_parts
WHERE table IN ('attempts', 'rollup_attempts', 'rollup_cascades', 'rollup_spend', 'rollup_waste', 'rollup_failures', 'rollup_people',
    'rollup_cascade_days', 'cascade_days', 'dialogs', 'dialogs_by_person',
    'attempts_by_recipient', 'shapes', 'legs', 'generations', 'freshness', 'touched')
GROUP BY table, part
HAVING argMax(state, version) = 'open'
