-- The peer of penetration: how many addresses were reached by channel, from facts.
SELECT channel, uniqExact(account, recipient_country), uniqExactIf((account, recipient_country), least(delivered_ms, read_ms, clicked_ms, replied_ms) < 9999999999999)
FROM attempts FINAL
GROUP BY channel
