-- All that is published of the dialogs of these people, and what they wrote that answers none of ours (inbound). External
-- table: people (account, channel, sender, recipient).
SELECT account, channel, sender, recipient, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, delivered_ms,
    replies_ms, conversation, outside, inbound
FROM
(
    SELECT account, channel, sender, recipient, bucket, message_id, step, latest.2 AS delivered_ms, latest.3 AS replies_ms,
        latest.4 AS conversation, latest.5 AS outside, false AS inbound
    FROM
    (
        SELECT account, channel, sender, recipient, bucket, message_id, step,
            argMax((gone, delivered_ms, replies_ms, conversation, outside), generation) AS latest
        FROM dialogs_by_person
        WHERE (account, channel, sender, recipient) IN (SELECT account, channel, sender, recipient FROM people)
            AND generation NOT IN ({{template "unpublished"}})
        GROUP BY account, channel, sender, recipient, bucket, message_id, step
    )
    WHERE latest.1 = 0
    UNION ALL
    SELECT account, channel, sender, recipient, toDateTime(0, 'UTC'), '', 0, {{never}},
        arraySort(groupUniqArray(occurred_ms)), 0, 0, true AS inbound
    FROM recipient_events
    WHERE (account, recipient) IN (SELECT account, recipient FROM people) AND status = 'inbound'
        AND (account, channel, sender, recipient) IN (SELECT account, channel, sender, recipient FROM people)
    GROUP BY account, channel, sender, recipient
)
ORDER BY account, channel, sender, recipient
