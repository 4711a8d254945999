-- What is open, and which levels have become the ordinary ones, of all accounts, in the order of seq: the newest row of
-- each alert. Parameter: since_ms, from when on levels matter.
SELECT toString(account), seq, id, toString(rule), rule_version, toString(metric), arrayMap(k -> toString(k), `keys`),
    toString(channel), toString(provider), toString(operator), campaign, before, now, low, high, num, den, hours,
    since_ms, until_ms, toString(ended), arrayMap(r -> toString(r), send_to), at_ms, toString(currency), cost,
    cost_before, cost_now, cost_low, cost_high
FROM
(
    SELECT * FROM alert_events ORDER BY seq DESC LIMIT 1 BY account, id
)
WHERE until_ms = 0 OR ended = 'new_level' AND since_ms >= {since_ms:Int64}
ORDER BY seq
