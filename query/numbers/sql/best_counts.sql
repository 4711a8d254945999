{{- /* How many people of the period are alike in all that decides on their best channel (best_channel.sql): of each channel and evidence what the price of one
more message like it depends on, the segments (2 bytes) and then texts, each behind its length (2 bytes), all little-endian. External table: error_map. */ -}}
SELECT account, best, candidates.1, candidates.2, candidates.3, count()
FROM
(
    SELECT account, person, max(is_read) AS best,
        arraySort(arrayFilter(c -> c.1 = best OR c.2 = 'sms', groupArray((is_read, toString(channel), latest)))) AS candidates
    FROM
    (
        SELECT r.account AS account, r.person AS person, r.channel AS channel, {{template "is_evidence"}},
            -- Both are one text each, for tuples take three times as long. What is compared are the time, big-endian, the
            -- message, whose end comes before any of its bytes, and the step.
            argMax(concat(reinterpretAsFixedString(toUInt16({{template "billed"}})), {{template "behind_length" "r.provider"}},
                    {{template "behind_length" "r.operator"}}, {{template "behind_length" "r.country"}},
                    {{template "behind_length" "r.traffic"}}, {{template "behind_length" "r.sender"}},
                    {{template "behind_length" "r.app"}}),
                concat(reinterpretAsFixedString(byteSwap(toUInt64({{template "evidence_ms"}}))),
                    replaceAll(r.message_id, '\0', '\0\xFF'), '\0\0', char(r.step))) AS latest
        FROM
        (
            {{- template "evidence" .}}
            AND NOT {{template "is_lost" .}}
        ) AS r
        GROUP BY account, person, channel, is_read
    )
    GROUP BY account, person
)
GROUP BY account, best, candidates
SETTINGS max_bytes_before_external_group_by = 1000000000
{{- define "behind_length"}}reinterpretAsFixedString(toUInt16(length({{.}}))), {{.}}{{end}}
