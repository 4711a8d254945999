-- Attributes the events that name a message of the chunk: to its attempt delivered last on the event's channel, else on
-- any.
-- Parameters: generation, folded, heads. External table: targets (account, bucket).
INSERT INTO opt_outs
    (account, recipient, status, event_channel, event_app, occurred_ms, named, generation, found, message_id, step,
        cohort_ms, channel, provider,
     campaign, template, sender, app, operator, country, traffic, trigger)
WITH
    {{never}} AS never,
    named AS
    (
        SELECT account, message_id
        FROM {folded:Identifier}
        WHERE (account, message_id) IN (SELECT account, message_id FROM named_messages
            WHERE account IN (SELECT account FROM targets))
    ),
    events AS
    (
        SELECT DISTINCT account, recipient, status, channel, app, occurred_ms, message_id
        FROM recipient_events
        WHERE message_id IN (SELECT message_id FROM named) AND (account, message_id) IN named
            AND status IN ('unsubscribed', 'blocked', 'complained')
    ),
    attempts_of AS
    (
        SELECT f.account AS account, f.message_id AS message_id, f.step AS step, f.is_delivered AS is_delivered,
            f.delivered_at_ms AS delivered_ms,
            if(f.multi, h.cohort_ms, {{template "cohort_ms" "f."}}) AS cohort_ms,
            f.channel AS channel, f.provider AS provider, f.campaign AS campaign, f.template AS template,
            f.sender AS sender, f.app AS app,
            f.operator AS operator, f.country AS country, f.traffic AS traffic, f.trigger AS trigger
        FROM {folded:Identifier} AS f
        LEFT JOIN {heads:Identifier} AS h ON h.account = f.account AND h.bucket = f.bucket
            AND h.message_id = f.message_id
        WHERE (f.account, f.message_id) IN named
    )
SELECT
    account, recipient, status, event_channel, event_app, occurred_ms, named_message, {generation:UInt64}, found,
    one.1, one.2, one.3, one.4, one.5, one.6, one.7, one.8, one.9, one.10, one.11, one.12, one.13
FROM
(
    SELECT account, recipient, status, event_channel, event_app, occurred_ms, named_message, max(fits) = 1 AS found,
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
)
SETTINGS insert_deduplicate = 0, join_use_nulls = 0
