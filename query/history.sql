{{- /* What the facts of an account tell about moving its SMS traffic to a channel (docs/definitions.md section 4, Forecasts from history): messages
counted by template and by all that pricing must know. The row of totals counts people. */ -}}
WITH
    9999999999999 AS never,
    -- An even number stands for a person: of 127 bits two never meet.
    name -> bitShiftLeft(reinterpretAsUInt128(sipHash128(name)), 1) AS person_key,
    -- Attempts, derived as aggregate/sql/fold.sql derives them, of the buckets whose cohorts touch the period. Facts are read here and nowhere else.
    attempts_read AS
    (
        WITH
            if(r.parts >= 2 AND bitCount(r.delivered_parts) = r.parts, r.parts_delivered_ms, never) AS parts_done_ms,
            least(r.delivered_ms, parts_done_ms, r.read_ms, r.clicked_ms, r.replied_ms) AS reached_ms,
            reached_ms < never AS is_delivered,
            is_delivered OR least(r.accepted_ms, r.sent_ms, r.undelivered_ms, r.expired_ms) < never OR r.delivered_parts != 0
                OR bitAnd(r.part_failures, 5) != 0 AS is_sent,
            -- A failure of a part counts only while that part is undelivered.
            NOT is_delivered AND (least(r.undelivered_ms, r.rejected_ms, r.expired_ms, r.failed_ms) < never
                                  OR bitAnd(r.failed_parts, bitNot(r.delivered_parts)) != 0) AS is_failed,
            NOT (r.skipped_ms < never AND NOT is_sent AND NOT is_failed) AS is_attempted,
            substring(r.recipient_country, 1, position(r.recipient_country, '\0') - 1) AS number,
            {{.Route}} AS route
        SELECT
            r.bucket AS bucket, r.message_id AS message_id, r.step AS step, r.submitted_ms AS submitted_ms, r.id_ms AS id_ms,
            r.provider AS provider, r.template AS template, r.sender AS sender, r.app AS app, r.operator AS operator, r.traffic AS traffic,
            if(endsWith(r.recipient_country, '\0'), '', substring(r.recipient_country, -2)) AS country,
            r.segments AS segments, r.sms_segments AS sms_segments,
            number AS recipient, if(r.contact = '', number, r.contact) AS person,
            reached_ms AS delivered_at_ms,
            is_attempted AS attempted,
            is_attempted AND r.channel = 'sms' AS as_sms,
            is_attempted AND r.channel = {channel:String} AS here,
            here AND bitAnd(route, 1) = 1 AND is_sent AS here_sent,
            here AND bitAnd(route, 1) = 1 AND is_delivered AS here_delivered,
            toInt64(bitShiftRight(route, 4)) * 86400000 AS settling_ms
        FROM attempts AS r FINAL
        WHERE r.account = {account:String}
            AND r.bucket IN
            (
                SELECT bucket FROM
                (
                {{- template "visible" .}}
                )
            )
            -- Messages that are stored in more than one bucket count at home.
            AND (r.bucket, r.message_id) NOT IN (SELECT bucket, message_id FROM splits WHERE account = {account:String})
    ),
    -- Messages of the period with at least one attempted step.
    messages AS
    (
        SELECT
            if(min(t.submitted_ms) < never, min(t.submitted_ms), min(t.id_ms)) AS cohort_ms,
            maxIf(t.template, t.attempted) AS template,
            maxIf(t.country, t.attempted) AS country, maxIf(t.traffic, t.attempted) AS traffic, maxIf(t.sender, t.attempted) AS sender,
            argMinIf((t.provider, t.operator, t.country, t.traffic, t.sender, t.app), t.step, t.as_sms) AS sms_step,
            max(t.here) AS by_channel, max(t.as_sms) AS by_sms,
            maxIf(t.sms_segments, t.attempted) AS text_segments,
            if(text_segments > 0, text_segments, maxIf(t.segments, t.as_sms)) AS own_segments,
            groupArrayIf(person_key(t.person), t.attempted) AS people,
            groupArrayIf((t.person, t.recipient, t.app, t.delivered_at_ms), t.here) AS tries,
            countIf(t.here_sent) AS sent, countIf(t.here_delivered) AS delivered,
            cohort_ms + maxIf(t.settling_ms, t.attempted) AS settled_ms
        FROM attempts_read AS t
        GROUP BY t.bucket, t.message_id
        HAVING max(t.attempted) AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
    ),
    -- When a person, or an address, was last lost to the channel, by app; '' is any app.
    losses AS
    (
        SELECT name, groupArray((app, lost_ms)) AS lost
        FROM
        (
            SELECT arrayJoin(arrayDistinct([recipient, if(contact = '', recipient, contact)])) AS name, app, max(occurred_ms) AS lost_ms
            FROM recipient_events
            WHERE account = {account:String} AND channel = {channel:String} AND status IN ('uninstalled', 'unsubscribed', 'blocked')
            GROUP BY name, app
        )
        GROUP BY name
    ),
    -- Everybody who was tried on the channel, and, one more than their number, those of whom some app was reached and not lost later.
    tested AS
    (
        SELECT arrayJoin(if(max(app_reached), [person, person + 1], [person]))
        FROM
        (
            SELECT person_key(t.try.1) AS person, t.try.3 AS app,
                maxIf(t.try.4, t.try.4 < never) AS delivered_ms,
                max(arrayMax(l -> if(l.1 = app OR l.1 = '' OR app = '', l.2, 0), arrayPushBack(arrayConcat(own.lost, there.lost), ('', 0)))) AS lost_ms,
                delivered_ms > 0 AND delivered_ms >= lost_ms AS app_reached
            FROM (SELECT arrayJoin(tries) AS try FROM messages) AS t
            LEFT ANY JOIN losses AS own ON own.name = t.try.1
            LEFT ANY JOIN losses AS there ON there.name = t.try.2
            GROUP BY person, app
        )
        GROUP BY person
    )
SELECT
    template,
    -- 0 tried on the channel already, 1 without an SMS, 2 an SMS that could move.
    multiIf(m.by_channel, 0, NOT m.by_sms, 1, 2) AS kind,
    if(kind = 2, m.own_segments, 0) AS segments,
    -- The segments of templates are constant from here to the next border.
    if(kind = 2 AND m.own_segments = 0, roundDown(toUInt32(intDiv(m.cohort_ms, 1000)), {borders:Array(UInt32)}), 0) AS since,
{{- range .Keys}}
    if(kind = 2, m.{{.Column}}, '') AS {{.Name}},
{{- end}}
    count(),
    countIf(notEmpty(m.found)),
    countIf(arrayExists(p -> p % 2 = 1, m.found)),
    sum(m.sent), sum(m.delivered),
    min(m.cohort_ms), max(m.cohort_ms), max(m.settled_ms),
    -- People, those tested and those reached: both have a message on the channel.
    uniqExactArray(m.people),
    uniqExactArrayIf(arrayFilter(p -> p % 2 = 0, m.found), m.by_channel),
    uniqExactArrayIf(arrayFilter(p -> p % 2 = 1, m.found), m.by_channel)
FROM
(
    SELECT *, arrayFilter(p -> p IN tested, arrayConcat(people, arrayMap(p -> p + 1, people))) AS found
    FROM messages
) AS m
GROUP BY template, kind, segments, since{{range .Keys}}, {{.Name}}{{end}} WITH TOTALS
-- A message takes some hundred bytes while it is put together: beyond this they go to disk.
SETTINGS do_not_merge_across_partitions_select_final = 1, max_bytes_before_external_group_by = 2000000000
