-- Attributes the events of these addresses that name no message: each to the attempt delivered last within the 7 days
-- before it, on its channel and address, and app where both name one (docs/definitions.md section 3). An event that
-- fits none is noted too, for it may have fitted one before.
-- Parameter: generation. External table: addresses (account, recipient).
{{define "attributed" -}}
WITH
    604800000 AS reach_ms,
    events AS
    (
        SELECT DISTINCT account, recipient, status, channel, app, occurred_ms
        FROM recipient_events
        WHERE (account, recipient) IN (SELECT account, recipient FROM addresses)
            AND status IN ('unsubscribed', 'blocked', 'complained') AND message_id = ''
    ),
    delivered AS
    (
        SELECT account, recipient, delivered_ms, message_id, step, cohort_ms, channel, provider, campaign, template,
            sender, app, operator, country, traffic, trigger
        FROM attempts_by_recipient FINAL
        PREWHERE (account, recipient) IN (SELECT account, recipient FROM events)
        WHERE {{template "delivered" "code"}}
    )
SELECT account, recipient, status, event_channel, event_app, occurred_ms, '' AS named,
    max(fits) = 1 AS found,
    argMax(attempt, (fits, delivered_ms, attempt.1, attempt.2)) AS one
FROM
(
    SELECT
        e.account AS account, e.recipient AS recipient, e.status AS status, e.channel AS event_channel,
        e.app AS event_app, e.occurred_ms AS occurred_ms,
        d.delivered_ms AS delivered_ms,
        d.message_id != '' AND d.delivered_ms BETWEEN e.occurred_ms - reach_ms AND e.occurred_ms
            AND (e.app = '' OR d.app = '' OR d.app = e.app) AS fits,
        (d.message_id, d.step, d.cohort_ms, d.channel, d.provider, d.campaign, d.template, d.sender, d.app,
            d.operator, d.country, d.traffic, d.trigger) AS attempt
    FROM events AS e
    LEFT JOIN delivered AS d ON d.account = e.account AND d.recipient = e.recipient AND d.channel = e.channel
)
GROUP BY account, recipient, status, event_channel, event_app, occurred_ms
{{- end -}}
INSERT INTO opt_outs
    (account, recipient, status, event_channel, event_app, occurred_ms, named, generation, found, message_id, step,
        cohort_ms, channel, provider,
     campaign, template, sender, app, operator, country, traffic, trigger)
SELECT
    account, recipient, status, event_channel, event_app, occurred_ms, named, {generation:UInt64}, found,
    one.1, one.2, one.3, one.4, one.5, one.6, one.7, one.8, one.9, one.10, one.11, one.12, one.13
FROM
(
{{template "attributed"}}
)
SETTINGS insert_deduplicate = 0, join_use_nulls = 0
