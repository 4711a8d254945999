-- What belongs to a message of several attempts: its cohort, its dimensions (the greatest over its attempted steps),
-- and its shape: the sum of hashes of its attempted steps, which does not depend on the order in which rows are met.
-- Parameters: heads, folded.
INSERT INTO {heads:Identifier}
WITH {{never}} AS never
SELECT
    account, bucket, message_id, {{template "message_cohort_ms"}},
    maxIf(campaign, NOT is_skipped), maxIf(template, NOT is_skipped),
    maxIf(sms_segments, NOT is_skipped) AS greatest_sms_segments, maxIf(sms_measure, NOT is_skipped),
    sumMapIf(prices, notEmpty(prices) AND NOT is_skipped),
    countIf(NOT is_skipped),
    -- Whoever its steps address, a message goes to one person. A number that was erased stays one under its pseudonym.
    multiIf(max(contact) != '', max(contact), maxIf(recipient, match(recipient, '^(\\+|user:erased-)')) != '',
        maxIf(recipient, match(recipient, '^(\\+|user:erased-)')),
            argMin(recipient, step)),
    cityHash64(sumIf(cityHash64(step, leg, code), NOT is_skipped), greatest_sms_segments)
FROM {folded:Identifier}
WHERE multi
GROUP BY account, bucket, message_id
