{{- /* What the facts of an account tell about moving its SMS traffic to a channel (docs/definitions.md section 4, Forecasts). Only the columns
that a statement needs are read. */ -}}
{{define "history"}}
WITH
    9999999999999 AS never,
    -- Attempts as aggregate/sql/fold.sql folds and derives them, of every bucket whose cohorts touch the period. Nothing else reads facts here.
    tried AS
    (
        WITH
            if(parts >= 2 AND bitCount(delivered_parts) = parts, parts_delivered_ms, never) AS parts_done_ms,
            least(delivered_ms, parts_done_ms, read_ms, clicked_ms, replied_ms) < never AS is_delivered,
            is_delivered OR least(accepted_ms, sent_ms, undelivered_ms, expired_ms) < never OR delivered_parts != 0 OR bitAnd(part_failures, 5) != 0 AS is_sent,
            NOT is_delivered AND (least(undelivered_ms, rejected_ms, expired_ms, failed_ms) < never
                                  OR bitAnd(failed_parts, bitNot(delivered_parts)) != 0) AS is_failed
        SELECT
            r.bucket AS bucket, r.message_id AS message_id, r.step AS step, r.submitted_ms AS submitted_ms, r.id_ms AS id_ms,
            r.channel AS channel, r.provider AS provider, r.template AS template, r.sender AS sender, r.app AS app, r.operator AS operator, r.traffic AS traffic,
            substring(r.recipient_country, 1, position(r.recipient_country, '\0') - 1) AS recipient,
            if(endsWith(r.recipient_country, '\0'), '', substring(r.recipient_country, -2)) AS country,
            if(r.contact = '', recipient, r.contact) AS person,
            r.segments AS segments, r.sms_segments AS sms_segments,
            least(delivered_ms, parts_done_ms, read_ms, clicked_ms, replied_ms) AS delivered_at_ms,
            NOT (skipped_ms < never AND NOT is_sent AND NOT is_failed) AS attempted,
            attempted AND r.channel = {channel:String} AS here,
            attempted AND r.channel = 'sms' AS as_sms,
            {{.Route}} AS route,
            here AND bitAnd(route, 1) = 1 AND is_sent AS here_sent,
            here AND bitAnd(route, 1) = 1 AND is_delivered AS here_delivered
        FROM attempts AS r FINAL
        WHERE r.account = {account:String}
            AND r.bucket IN
            (
                SELECT bucket FROM ({{template "visible" .}})
            )
            -- Messages that are stored in more than one bucket count at home.
            AND (r.bucket, r.message_id) NOT IN (SELECT bucket, message_id FROM splits WHERE account = {account:String})
    ),
    -- Messages of the period with at least one attempted step.
    messages AS
    (
        SELECT
            if(min(t.submitted_ms) < never, min(t.submitted_ms), min(t.id_ms)) AS cohort_ms,
            groupUniqArrayIf(sipHash128(t.person), t.attempted) AS people,
            groupArrayIf((t.person, t.recipient, t.app, t.delivered_at_ms), t.here) AS tries,
            maxIf(t.template, t.attempted) AS template,
            maxIf(t.country, t.attempted) AS country, maxIf(t.traffic, t.attempted) AS traffic, maxIf(t.sender, t.attempted) AS sender,
            argMinIf((t.provider, t.operator, t.country, t.traffic, t.sender, t.app), t.step, t.as_sms) AS sms_step,
            countIf(t.as_sms) > 0 AS by_sms, countIf(t.here) > 0 AS by_channel,
            if(maxIf(t.sms_segments, t.attempted) > 0, maxIf(t.sms_segments, t.attempted), maxIf(t.segments, t.as_sms)) AS own_segments,
            countIf(t.here_sent) AS sent, countIf(t.here_delivered) AS delivered,
            cohort_ms + maxIf(toInt64(bitShiftRight(t.route, 4)), t.attempted) * 86400000 AS settled_ms
        FROM tried AS t
        GROUP BY t.bucket, t.message_id
        HAVING countIf(t.attempted) > 0 AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
    ),
    losses AS
    (
        SELECT name, groupArray((app, lost_ms)) AS apps
        FROM
        (
            SELECT arrayJoin(arrayDistinct([recipient, if(contact = '', recipient, contact)])) AS name, app, max(occurred_ms) AS lost_ms
            FROM recipient_events
            WHERE account = {account:String} AND channel = {channel:String} AND status IN ('uninstalled', 'unsubscribed', 'blocked')
            GROUP BY name, app
        )
        GROUP BY name
    ),
    people AS
    (
        SELECT person, max(app_reached) AS reached
        FROM
        (
            SELECT sipHash128(try.1) AS person, try.3 AS app,
                maxIf(try.4, try.4 < never) AS delivered_ms,
                delivered_ms > 0 AND delivered_ms >= max(arrayMax(l -> if(l.1 = '' OR app = '' OR l.1 = app, l.2, 0), arrayPushBack(arrayConcat(p.apps, a.apps), ('', 0)))) AS app_reached
            FROM (SELECT arrayJoin(tries) AS try FROM messages) AS t
            LEFT ANY JOIN losses AS p ON p.name = t.try.1
            LEFT ANY JOIN losses AS a ON a.name = t.try.2
            GROUP BY person, app
        )
        GROUP BY person
    )
{{end}}
