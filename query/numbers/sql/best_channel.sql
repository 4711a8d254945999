{{- /* Per person the best evidence of the period on each channel that they are not lost on, with all that the price of one more message like it depends
on; SMS with each evidence, for its currency counts. External table: error_map. */ -}}
WITH
    {after_account:String} AS after_account, {after_person:String} AS after_person,
    evidence AS
    (
        {{- template "evidence" .}}
            AND r.account >= after_account AND (r.account > after_account OR r.person > after_person)
            AND NOT {{template "is_lost" .}}
    )
SELECT account, person, best,
    candidates.1, candidates.2, candidates.3, candidates.4, candidates.5, candidates.6, candidates.7, candidates.8, candidates.9, candidates.10
FROM
(
    SELECT account, person, max(is_read) AS best,
        arrayFilter(c -> c.1 = best OR c.2 = 'sms',
            groupArray((is_read, toString(channel), latest.1, latest.2, latest.3, latest.4, latest.5, latest.6, latest.7, latest.8))) AS candidates
    FROM
    (
        SELECT r.account AS account, r.person AS person, r.channel AS channel, {{template "is_evidence"}},
            argMax((r.recipient, toString(r.provider), toString(r.operator), toString(r.country), toString(r.traffic),
                    toString(r.sender), toString(r.app), {{template "billed"}}),
                ({{template "evidence_ms"}}, r.message_id, r.step)) AS latest
        FROM evidence AS r
        {{- if .Page}}
        -- The people of the page are found first, for that takes a fifth of what is known of everybody.
        WHERE (r.account, r.person) IN (SELECT DISTINCT account, person FROM evidence ORDER BY account, person LIMIT {limit:UInt32})
        {{- end}}
        GROUP BY account, person, channel, is_read
    )
    GROUP BY account, person
)
ORDER BY account, person
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_sort = 1000000000
