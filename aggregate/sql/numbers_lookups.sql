-- What look-ups told of touched numbers: the latest one, the greatest owner_changed_at, and when they found the number invalid.
-- Parameters: accounts, done, ready, as in numbers_evidence.sql.
SELECT account, recipient, latest.1, latest.2, latest.3, latest.4, latest.5, owner_changed, invalid
FROM
(
    SELECT account, recipient, max((occurred_ms, operator, ported, valid, owner_changed_ms)) AS latest, max(owner_changed_ms) AS owner_changed,
        arraySort(groupArrayIf(occurred_ms, valid = 0)) AS invalid
    FROM recipient_events FINAL
    WHERE status = 'lookup' AND startsWith(recipient, '+')
        AND (account IN {accounts:Array(String)}
            OR (account, recipient) IN (SELECT account, number FROM numbers_touched WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}))
    GROUP BY account, recipient
)
ORDER BY account, recipient
