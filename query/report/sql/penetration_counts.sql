{{- /* The penetration report (docs/definitions.md section 5) from counts of people, where keys and filters name nothing but accounts and times. What
is known of the channels of a person is a number with a bit per channel. ways are all channels, apps and providers that attempts went by; of each bits has the bit
of its channel, hashes what its addresses are known by beside the recipient. A row whose way is none of them has bit 31, and there is no answer. A message
goes to one person, so messages are counted by people. Everything is a GROUP BY, which goes to disk where memory ends. External table: error_map. */ -}}
{{define "way_bit"}}transform(r.way, {ways:Array(String)}, {bits:Array(UInt32)}, toUInt32(2147483648)){{end}}
{{define "address"}}bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))){{end}}

{{- /* Where deliveries are not reported nobody is tested. Of some ways that depends on the account. */ -}}
{{define "reports"}}(r.way IN {silent:Array(String)}) = if(r.way IN {mixed:Array(String)}, concat(r.account, '\0', r.way) IN {others:Array(String)}, 0){{end}}

{{- /* Rows that readers see (visible.sql): of an account and day those of its newest build, and of later editions. */ -}}
{{define "seen_people" -}}
version IN
        (
            SELECT cityHash64(account, day, arrayJoin(arrayFilter(e -> e >= base, editions)))
            FROM
            (
                SELECT account, day, max(build) AS base, groupUniqArray(edition) AS editions
                FROM
                (
                    SELECT account, day, edition, toUInt64(0) AS build FROM day_changes WHERE {{template "known_edition"}}{{template "of_accounts" .}}
                    UNION ALL
                    SELECT account, day, build AS edition, build FROM builds WHERE {{template "known_edition"}}{{template "of_accounts" .}}
                )
                GROUP BY account, day
            )
        ){{template "of_accounts" .}}
{{- end}}
{{define "known_edition"}}edition <= {edition:UInt64} AND NOT has({dead:Array(UInt64)}, edition){{end}}
{{define "of_accounts"}}{{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}{{end}}

{{- /* Addresses that are lost, as in lost_addresses.sql. What attempts say of them comes from counts too. */ -}}
{{define "lost_by_counts"}}
            SELECT address
            FROM
            (
                SELECT {{template "said_address"}} AS address, if(status = 'subscribed', 0, occurred_ms) AS lost_ms,
                    if(status = 'subscribed', occurred_ms, 0) AS back_ms, toInt64(0) AS reached_ms
                FROM recipient_events
                WHERE {{template "tells_of_loss" .}} AND occurred_ms <= {as_of:Int64}
                UNION ALL
                SELECT address, if(lost_by_code_ms <= {as_of:Int64}, lost_by_code_ms, 0), 0, 0 FROM ({{template "told_by_codes" .}})
                UNION ALL
                SELECT {{template "address"}} AS address, 0, 0, r.delivered_ms
                FROM rollup_people AS r
                WHERE r.delivered_ms > 0 AND address IN
                    (
                        SELECT {{template "said_address"}} FROM recipient_events WHERE {{template "tells_of_loss" .}} AND status != 'subscribed'
                        UNION ALL
                        SELECT address FROM ({{template "told_by_codes" .}})
                    )
                    AND {{template "seen_people" .}}
                GROUP BY address, r.delivered_ms
                HAVING sum(r.attempts) > 0
            )
            GROUP BY address
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(reached_ms) AND max(lost_ms) >= max(back_ms)
{{- end}}
{{define "said_address"}}bitXor(xxHash64(concat(account, '\0', recipient)), xxHash64(concat(channel, '\0', app))){{end}}
{{define "told_by_codes"}}
                    WITH {{.Class}} AS class
                    SELECT address, multiIf(class IN ('blocked_by_user', 'opted_out', 'dnd'), told_ms, class IN ('app_uninstalled', 'token_invalid'), failed_ms, 0) AS lost_by_code_ms
                    FROM
                    (
                        SELECT account, splitByChar('\0', r.way) AS names, names[1] AS channel, names[3] AS provider, error_code, 0 AS expired, told_ms, failed_ms,
                            {{template "address"}} AS address
                        FROM rollup_people AS r
                        WHERE {{template "code_of_loss"}} AND {{template "seen_people" .}}
                        GROUP BY account, r.way, r.person, r.other, error_code, told_ms, failed_ms
                        HAVING sum(r.attempts) > 0
                    ) AS r
                    WHERE lost_by_code_ms > 0
{{- end -}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    p.tested, p.reached, count(), sum(p.messages)
FROM
(
    SELECT{{range .Keys}} {{.Column}},{{end}}
        person, sum(a.messages) AS messages,
        groupBitOr(if(a.tested > 0, a.bit, 0)) AS tested,
        groupBitOr(if(a.delivered > 0 AND NOT (a.address IN ({{template "lost_by_counts" .}})
            OR (bitAnd(a.bit, {phone_bits:UInt32}) != 0 AND a.recipient IN
                (SELECT xxHash64(concat(account, '\0', number)) FROM number_health FINAL WHERE state = 'dead'{{template "of_accounts" .}}))), a.bit, 0)) AS reached
    FROM
    (
        SELECT{{range .Keys}} {{.Cell}} AS {{.Column}},{{end}}
            r.person AS person, {{template "address"}} AS address, any(bitXor(r.person, r.other)) AS recipient, any({{template "way_bit"}}) AS bit,
            sum(r.messages) AS messages, sumIf(r.attempts, {{template "reports"}}) AS tested, sumIf(r.attempts, r.delivered_ms > 0 AND {{template "reports"}}) AS delivered
        FROM rollup_people AS r
        WHERE {{template "days" .}} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC') AND {{template "seen_people" .}}
        {{- range .Filters}}
            AND {{.Shown}} IN {{.Parameter}}
        {{- end}}
        GROUP BY{{range .Keys}} {{.Column}},{{end}} person, address
    ) AS a
    GROUP BY{{range .Keys}} {{.Column}},{{end}} person
    HAVING messages > 0
) AS p
GROUP BY{{range .Keys}} {{.Column}},{{end}} p.tested, p.reached
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
