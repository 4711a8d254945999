-- How the counts of failed attempts by error code differ from those published. Parameters: generation, folded, heads,
-- slice (the first one takes what is published away). External table: targets (account, bucket).
INSERT INTO rollup_failures
    (account, kind, day, edition, bucket, cohort, channel, provider, campaign, template, sender, app, operator, country,
     traffic, step, trigger, error_code, permanent, expired, failed, cohort_max_ms)
WITH {{never}} AS never
SELECT account, 'difference', toDate(cohort), {generation:UInt64}, bucket, cohort,
    any(c.channel), any(c.provider), campaign, template, any(c.sender), any(c.app), any(c.operator), any(c.country),
    any(c.traffic), step, any(c.trigger),
    error_code, permanent, expired, sum(c.failed) AS d, max(c.cohort_max_ms)
FROM
(
    SELECT account, bucket, {{template "quarter"}} AS cohort, channel, provider, campaign, template, sender, app,
        operator, country, traffic, step, trigger, error_code, permanent, is_expired AS expired, 1::Int64 AS failed,
        cohort_ms AS cohort_max_ms
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
    )
    WHERE cohort_ms < never
    UNION ALL
    SELECT p.account, p.bucket, p.cohort, p.channel, p.provider, p.campaign, p.template, p.sender, p.app, p.operator,
        p.country, p.traffic, p.step, p.trigger, p.error_code, p.permanent, p.expired, -p.failed, p.cohort_max_ms
    {{template "published" "rollup_failures"}} AND {slice:UInt32} = 0
) AS c
-- What any() takes is what is hashed.
GROUP BY account, bucket, cohort, campaign, template, step, error_code, permanent, expired,
    cityHash64(c.channel, c.provider, c.sender, c.app, c.operator, c.country, c.traffic, c.trigger)
HAVING d != 0
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, max_insert_threads = 1
