{{- /* The penetration report (docs/definitions.md section 5) from counts of people, where keys and filters name nothing but accounts and times. What
is known of the channels of a person is a number with a bit per channel. ways are all channels, apps and providers that attempts went by; of each bits has
the bit of the channel, hashes what its addresses are known by beside the recipient. A row whose way is none of them has bit 31, and there is no answer. A message
goes to one person, so messages are counted by people. Everything is a GROUP BY, which goes to disk where memory ends. External tables: seen_people, and what codes say
of losses (lossCodes): told_codes, failed_codes, own_maps. */ -}}
{{define "way_bit"}}transform(r.way, {ways:Array(String)}, {bits:Array(UInt32)}, toUInt32(2147483648)){{end}}
{{define "address"}}bitXor(bitXor(r.person, r.other), transform(r.way, {ways:Array(String)}, {hashes:Array(UInt64)}, toUInt64(0))){{end}}

{{- /* Where deliveries are not reported nobody is tested. */ -}}
{{define "reports"}}r.way NOT IN {silent:Array(String)}{{end}}

{{- /* Rows that readers see (penetration_seen.sql). External table: seen_people. */ -}}
{{define "seen_people"}}version IN seen_people{{template "of_accounts" .}}{{end}}
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
                        SELECT {{template "address"}} FROM rollup_people AS r WHERE {{template "loses"}} AND {{template "seen_people" .}}
                    )
                    AND {{template "seen_people" .}}
                GROUP BY address, r.delivered_ms
                HAVING sum(r.attempts) > 0
            )
            GROUP BY address
            HAVING max(lost_ms) > 0 AND max(lost_ms) >= max(reached_ms) AND max(lost_ms) >= max(back_ms)
{{- end}}
{{define "said_address"}}bitXor(xxHash64(concat(account, '\0', recipient)), xxHash64(concat(channel, '\0', app))){{end}}
{{- /* What a row with a code says: of some codes, that its address is lost since then. Of sums by address that are not 0 none is below 0. */ -}}
{{define "told_by_codes"}}
                    SELECT {{template "address"}} AS address, if({{template "loss_key"}} IN told_codes, r.told_ms, r.failed_ms) AS lost_by_code_ms
                    FROM rollup_people AS r
                    WHERE {{template "loses"}} AND {{template "seen_people" .}} AND lost_by_code_ms > 0
                    GROUP BY address, lost_by_code_ms
                    HAVING sum(r.attempts) > 0
{{- end -}}
{{define "loss_key"}}concat(if(r.account IN own_maps, r.account, ''), '\0', r.way, '\0', r.error_code){{end}}
{{define "loses"}}r.error_code != '' AND ({{template "loss_key"}} IN told_codes OR {{template "loss_key"}} IN failed_codes){{end}}
{{- /* Rows of the period that are looked at. */ -}}
{{define "people_rows"}}FROM rollup_people AS r
            WHERE {{template "days" .}} AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
                AND {{template "seen_people" .}}
            {{- range .Filters}}
                AND {{.Shown}} IN {{.Parameter}}
            {{- end}}
{{- end -}}
{{- /* People of whom a row takes something back, or moves their messages alone. Of all others every row that is there counts. */ -}}
{{define "changed_people"}}SELECT r.person {{template "people_rows" .}} AND r.attempts <= 0{{end -}}
{{define "recipient"}}bitXor(r.person, r.other){{end}}
{{define "changed" -}}
AND r.person NOT IN ({{template "changed_people" .}})
        UNION ALL
        SELECT{{range .Keys}} {{.Cell}} AS {{.Column}},{{end}}
            r.person AS person, {{template "address"}} AS address, any({{template "recipient"}}) AS recipient,
            if(sumIf(r.attempts, {{template "reports"}}) > 0, any({{template "way_bit"}}), 0) AS tested,
            sumIf(r.attempts, r.delivered_ms > 0 AND {{template "reports"}}) > 0 AS delivered, sum(r.messages) AS messages
        {{template "people_rows" .}}
            AND r.person IN ({{template "changed_people" .}})
        GROUP BY{{range .Keys}} {{.Column}},{{end}} person, address
        HAVING sum(r.attempts) > 0
{{- end -}}
SELECT
{{- range .Keys}}
    {{.Shown}} AS {{.Name}},
{{- end}}
    p.tested, p.reached, count(), sum(p.messages)
FROM
(
    SELECT{{range .Keys}} {{.Column}},{{end}}
        person, sum(a.messages) AS messages, groupBitOr(a.tested) AS tested,
        groupBitOr(if(a.delivered AND a.address NOT IN ({{template "lost_by_counts" .}})
            AND NOT (bitAnd(a.tested, {phone_bits:UInt32}) != 0 AND a.recipient IN
                (SELECT xxHash64(concat(account, '\0', number)) FROM number_health FINAL WHERE state = 'dead'{{template "of_accounts" .}})), a.tested, 0)) AS reached
    FROM
    (
        -- Sums count what is there, and so do differences of people of whom nothing was taken back.
        SELECT{{range .Keys}} {{.Cell}} AS {{.Column}},{{end}}
            r.person AS person, {{template "address"}} AS address, {{template "recipient"}} AS recipient,
            if({{template "reports"}}, {{template "way_bit"}}, 0) AS tested, r.delivered_ms > 0 AS delivered, toInt64(r.messages) AS messages
        {{template "people_rows" .}}
            {{template "changed" .}}
    ) AS a
    GROUP BY{{range .Keys}} {{.Column}},{{end}} person
) AS p
GROUP BY{{range .Keys}} {{.Column}},{{end}} p.tested, p.reached
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
