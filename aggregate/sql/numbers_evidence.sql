-- What the verdicts on touched numbers are decided from: a row per number, its attempts packed into one text (unpackEvidence in evidence.go), because reading a
-- value costs the client the same whatever its size. Deliveries of all channels, failures of those that tell of the number.
-- Parameters: accounts (of which all numbers are wanted), done and ready (the generations that lie between have touched the others).
WITH
    9999999999999 AS never,
    bitTest(code, 1) AS is_delivered,
    channel IN ('sms', 'voice', 'flash_call') AS tells
SELECT account, recipient,
    arrayStringConcat(groupArray(concat(
        reinterpretAsFixedString((is_delivered + 2 * tells + 4 * (channel != 'sms') + 8 * expired)::UInt8),
        reinterpretAsFixedString(cohort_ms),
        reinterpretAsFixedString(multiIf(is_delivered, delivered_ms, start_ms < never, start_ms, cohort_ms)),
        if(is_delivered, '', concat(
            reinterpretAsFixedString(leg), reinterpretAsFixedString(code), reinterpretAsFixedString(sms_segments),
            reinterpretAsFixedString(length(campaign)::UInt16), campaign, reinterpretAsFixedString(length(provider)::UInt16), provider,
            reinterpretAsFixedString(length(error_code)::UInt16), error_code))))) AS packed
FROM attempts_by_recipient FINAL
WHERE startsWith(recipient, '+')
    AND (account IN {accounts:Array(String)}
        OR (account, recipient) IN (SELECT account, number FROM numbers_touched WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}))
    AND (is_delivered OR (tells AND bitTest(code, 3)))
GROUP BY account, recipient
ORDER BY account, recipient
-- In order it would take three times as long; what does not fit into memory goes to disk.
SETTINGS optimize_aggregation_in_order = 0, max_threads = 2, max_bytes_before_external_group_by = 1500000000, max_bytes_before_external_sort = 1500000000
