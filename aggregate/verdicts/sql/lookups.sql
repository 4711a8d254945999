-- What look-ups told of touched numbers: the latest one (of several at that moment the greatest value of each finding),
-- the greatest owner_changed_at, and when they found the number invalid. Which numbers: see wanted.sql.
SELECT account, recipient, max(at_ms), argMax(operator, at_ms), argMax(ported, at_ms), argMax(valid, at_ms),
    argMax(owner_changed, at_ms), max(owner_changed) AS ever_changed,
    arraySort(groupArrayArray(invalid)) AS all_invalid
FROM
(
    SELECT account, recipient, occurred_ms AS at_ms, max(recipient_events.operator) AS operator,
        max(recipient_events.ported) AS ported, max(recipient_events.valid) AS valid,
        max(owner_changed_ms) AS owner_changed, groupArrayIf(occurred_ms, recipient_events.valid = 0) AS invalid
    FROM recipient_events FINAL
    WHERE status = 'lookup' AND (startsWith(recipient, '+') OR startsWith(recipient, 'email:'))
        AND {{template "wanted" "recipient"}}
    GROUP BY account, recipient, occurred_ms
)
GROUP BY account, recipient
ORDER BY account, recipient
