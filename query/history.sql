{{- /* What the attempts of an account tell about moving its SMS traffic to a channel (docs/definitions.md section 5, from-history): messages counted by
template and by all that pricing must know. The row of totals counts people. External table: error_map. */ -}}
WITH
    -- An even number stands for a person: of 127 bits two never meet.
    name -> bitShiftLeft(reinterpretAsUInt128(sipHash128(name)), 1) AS person_key,
    attempts_read AS
    (
        SELECT *
        FROM attempts_by_recipient FINAL
        WHERE account = {account:String} AND NOT {{template "skipped" "code"}} AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
    ),
    -- Messages of the period. A message goes to one person.
    messages AS
    (
        WITH
            {{.Route}} AS route,
            r.channel = {channel:String} AS here,
            here AND {{template "reports_deliveries" "route"}} AS here_reported,
            r.channel = 'sms' AS as_sms
        SELECT
            min(r.cohort_ms) AS cohort_ms, max(person_key(r.person)) AS person,
            max(r.template) AS template, max(r.country) AS country, max(r.traffic) AS traffic, max(r.sender) AS sender,
            argMinIf((r.provider, r.operator, r.country, r.traffic, r.sender, r.app), r.step, as_sms) AS sms_step,
            max(here) AS by_channel, max(as_sms) AS by_sms,
            max(r.sms_segments) AS text_segments,
            if(text_segments > 0, text_segments, maxIf({{template "segments" "r.code"}}, as_sms)) AS own_segments,
            countIf(here_reported AND {{template "sent" "r.code"}}) AS sent, countIf(here_reported AND {{template "delivered" "r.code"}}) AS delivered,
            max({{template "settles_ms" "r.cohort_ms"}}) AS settled_ms
        FROM attempts_read AS r
        GROUP BY sipHash128(r.message_id)
    ),
    -- Everybody who was tried on the channel where it reports deliveries, and, one more than their number, who was reached and is not lost.
    tested AS
    (
        WITH {{.Route}} AS route
        SELECT arrayJoin(if(max({{template "delivered" "r.code"}} AND NOT {{template "is_lost" .}}), [person_key(r.person), person_key(r.person) + 1], [person_key(r.person)]))
        FROM attempts_read AS r
        WHERE r.channel = {channel:String} AND {{template "reports_deliveries" "route"}}
        GROUP BY r.person
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
    countIf(m.found > 0),
    countIf(m.found = 2),
    -- Attempts to people who were reached: being reached is not discounted twice.
    sumIf(m.sent, m.found = 2), sumIf(m.delivered, m.found = 2),
    min(m.cohort_ms), max(m.cohort_ms), max(m.settled_ms),
    uniqExact(m.person), uniqExactIf(m.person, m.found > 0), uniqExactIf(m.person, m.found = 2)
FROM
(
    SELECT *, length(arrayFilter(p -> p IN tested, [person, person + 1])) AS found
    FROM messages
) AS m
GROUP BY template, kind, segments, since{{range .Keys}}, {{.Name}}{{end}} WITH TOTALS
-- A message takes some hundred bytes while it is put together: beyond this they go to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
