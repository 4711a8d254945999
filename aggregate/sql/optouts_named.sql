-- Attributes the events that name a message: to its attempt delivered last on the event's channel, else on any.
-- Parameter: generation. External table: attempts_of (the attempts of such messages).
{{define "attributed_by_name" -}}
WITH
    {{never}} AS never,
    events AS
    (
        SELECT DISTINCT account, recipient, status, channel, app, occurred_ms, message_id
        FROM recipient_events
        WHERE (account, message_id) IN (SELECT account, message_id FROM attempts_of)
            AND status IN ('unsubscribed', 'blocked', 'complained')
    )
SELECT account, recipient, status, event_channel, event_app, occurred_ms, named_message AS named,
    max(fits) = 1 AS found,
    argMax(attempt, (fits, same_channel, delivered_ms, attempt.2)) AS one
FROM
(
    SELECT
        e.account AS account, e.recipient AS recipient, e.status AS status, e.channel AS event_channel,
        e.app AS event_app, e.occurred_ms AS occurred_ms,
        e.message_id AS named_message, a.delivered_ms AS delivered_ms, a.is_delivered
            AND a.cohort_ms < never AS fits, a.channel = e.channel AS same_channel,
        (a.message_id, a.step, a.cohort_ms, a.channel, a.provider, a.campaign, a.template, a.sender, a.app,
            a.operator, a.country, a.traffic, a.trigger) AS attempt
    FROM events AS e
    INNER JOIN attempts_of AS a ON a.account = e.account AND a.message_id = e.message_id
)
GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named_message
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
{{template "attributed_by_name"}}
)
SETTINGS insert_deduplicate = 0, join_use_nulls = 0
