-- Editions that were published and whose states are not applied, in their order, and whether the log has all of their rows.
-- Parameter: applied.
SELECT edition, countIf(key != '') = toUInt64OrZero(anyIf(state, key = ''))
FROM state_log
WHERE edition > {applied:UInt64} AND edition NOT IN ({{template "unpublished"}})
    AND edition IN (SELECT edition FROM state_log WHERE key = '')
GROUP BY edition
ORDER BY edition
