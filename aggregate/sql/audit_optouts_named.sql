-- Events whose published attribution is another one than optouts_named.sql gives them, and what it should be. External table:
-- attempts_of (the attempts of such messages).
SELECT w.account, w.recipient, w.named, cityHash64(w.status, w.event_channel, w.event_app, w.occurred_ms, toString(w.wanted))
FROM
(
    SELECT account, recipient, status, event_channel, event_app, occurred_ms, named, if(found, toString(one), '') AS wanted
    FROM ({{template "attributed_by_name"}})
) AS w
LEFT ANY JOIN
(
    SELECT account, recipient, status, event_channel, event_app, occurred_ms, named,
        argMax(if(found, toString((message_id, step, cohort_ms, channel, provider, campaign, template, sender, app, operator,
            country, traffic, trigger)), ''), generation) AS published
    FROM opt_outs
    WHERE (account, named) IN (SELECT account, message_id FROM attempts_of) AND generation NOT IN ({{template "unpublished"}})
    GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named
) AS p ON p.account = w.account AND p.recipient = w.recipient AND p.status = w.status
    AND p.event_channel = w.event_channel AND p.event_app = w.event_app AND p.occurred_ms = w.occurred_ms AND p.named = w.named
WHERE w.wanted != p.published
SETTINGS join_use_nulls = 0
