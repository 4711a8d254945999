-- Counts failed attempts by error code. Parameters: generation, folded, heads.
INSERT INTO rollup_failures
WITH {{never}} AS never
SELECT account, bucket, {generation:UInt64} AS generation,
    toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort,
    any(f.channel), any(f.provider), campaign, template, any(f.sender), any(f.app), any(f.operator), any(f.country),
    any(f.traffic), step, any(f.trigger),
    error_code, permanent, is_expired, count() AS failed, max(cohort_ms) AS cohort_max_ms
FROM
(
    SELECT account, bucket, {{template "cohort_ms" ""}} AS cohort_ms, leg, channel, provider,
        campaign, template, sender, app, operator, country, traffic,
        step, trigger, error_code, permanent, is_expired
    FROM {folded:Identifier}
    WHERE NOT multi AND is_failed
    UNION ALL
    SELECT f.account, f.bucket, h.cohort_ms, f.leg, f.channel, f.provider, f.campaign, f.template, f.sender, f.app,
        f.operator, f.country, f.traffic,
        f.step, f.trigger, f.error_code, f.permanent, f.is_expired
    FROM {folded:Identifier} AS f
    INNER JOIN {heads:Identifier} AS h ON h.account = f.account AND h.bucket = f.bucket AND h.message_id = f.message_id
    WHERE f.multi AND f.is_failed
) AS f
WHERE cohort_ms < never
-- A leg is a hash of the dimensions that any() takes.
GROUP BY account, bucket, cohort, leg, campaign, template, step, error_code, permanent, is_expired
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1
