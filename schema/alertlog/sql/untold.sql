-- What receivers have not acknowledged, nor was given up, in the order of seq. The rows of an alert are its beginning
-- and its end; written twice, each counts once. Parameter: since_ms, before which it is too late to tell.
SELECT toString(account), seq, id, toString(rule), rule_version, toString(metric), arrayMap(k -> toString(k), `keys`),
    toString(channel), toString(provider), toString(operator), campaign, before, now, low, high, num, den, hours,
    since_ms, until_ms, toString(ended), arrayMap(r -> toString(r), send_to), at_ms, toString(currency), cost,
    cost_before, cost_now, cost_low, cost_high
FROM
(
    SELECT * FROM alert_events WHERE at_ms >= {since_ms:Int64} AND notEmpty(send_to)
    ORDER BY seq LIMIT 1 BY account, id, until_ms != 0
)
ORDER BY seq
