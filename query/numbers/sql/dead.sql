{{- if .Page -}}
-- A page of the numbers that were dead at the version of a snapshot. number_health is read first: a row is copied to number_health_before before it is
-- replaced, so what is not found in the one any more is in the other. A number that is replaced between the two reads is found in both.
SELECT packed, number, account
FROM
(
    SELECT number, account, version,
        {{template "packed"}} AS packed
    FROM number_health FINAL
    WHERE version <= {up_to:UInt64} AND (account, number) IN
    (
        -- The keys of the page first: only its rows are packed.
        SELECT account, number
        FROM number_health FINAL
        WHERE version <= {up_to:UInt64} AND state = 'dead'{{template "dead_filters" .}}
        ORDER BY number, account
        LIMIT {limit:UInt32}
    )
    UNION ALL
    SELECT number, account, version,
        {{template "packed"}} AS packed
    FROM
    (
        SELECT *
        FROM number_health_before
        WHERE version <= {up_to:UInt64}{{template "dead_place" .}}
            AND (account, number) IN (SELECT account, number FROM number_health WHERE version > {up_to:UInt64}{{template "dead_place" .}})
        ORDER BY version DESC
        LIMIT 1 BY account, number
    )
    WHERE state = 'dead'{{if .Rules}} AND rule IN {rules:Array(String)}{{end}}
    ORDER BY number, account
    LIMIT {limit:UInt32}
)
ORDER BY number, account, version DESC
LIMIT 1 BY number, account
LIMIT {limit:UInt32}
{{- else -}}
-- All dead numbers at the moment of the statement. Those of one account lie in the order of the answer, and are sent as they are read.
SELECT
    {{- if .Columns}}
    -- All texts but numbers are LowCardinality: few of them, and each is read once for a block. See deadColumns.
    account, number, since_ms, rule, CAST(mapKeys(mapSort(reasons) AS counts) AS Array(LowCardinality(String))),
    mapValues(counts), last_delivered_ms, last_failed_ms, failed_mailings, failed_days, rule_version, first_failed_ms,
    toUInt8(possible_reassignment), operator, ported, valid, owner_changed_ms, guessed,
    toLowCardinality({{template "packed_reachable"}}), toLowCardinality({{template "packed_opt_outs"}}),
    streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms
    {{- else}}
        {{template "packed"}} AS packed
    {{- end}}
FROM number_health FINAL
WHERE state = 'dead'{{template "dead_filters" .}}
ORDER BY number{{if not .Single}}, account{{end}}
{{- end}}
{{- define "dead_place"}} AND startsWith(number, {prefix:String})
{{- if .Single}} AND account = {account:String}{{else if .Accounts}} AND account IN {accounts:Array(String)}{{end}}
{{- if .After}} AND number >= {after_number:String} AND (number, account) > ({after_number:String}, {after_account:String}){{end}}
{{- end}}
{{- define "dead_filters"}}{{template "dead_place" .}}
{{- if .Rules}} AND rule IN {rules:Array(String)}{{end}}
{{- end}}
