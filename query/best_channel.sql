{{- /* Per person the channels with the best evidence of the period, with the keys that a price is looked up by. */ -}}
WITH
    {after_account:String} AS after_account, {after_person:String} AS after_person,
    evidence AS
    (
        SELECT *, if(contact = '', recipient, contact) AS person
        FROM attempts_by_recipient AS r FINAL
        WHERE bitAnd(r.code, 64) = 0 AND bitAnd(r.code, 6) != 0 AND r.cohort_ms >= {from:UInt32} * 1000 AND r.cohort_ms < {to:UInt32} * 1000
        {{- range .Filters}}
            AND {{.Shown}} IN {{.Parameter}}
        {{- end}}
            AND r.account >= after_account AND (r.account > after_account OR person > after_person)
    )
SELECT account, person, best,
    candidates.2, candidates.3, candidates.4, candidates.5, candidates.6, candidates.7, candidates.8, candidates.9
FROM
(
    SELECT account, person, max(is_read) AS best,
        arrayFilter(c -> c.1 = best, groupArray((is_read, channel, address, keys.1, keys.2, keys.3, keys.4, keys.5, keys.6))) AS candidates
    FROM
    (
        -- Of the attempts with the better evidence, which are those with the greater is_read: the greatest recipient, and the keys of the latest.
        SELECT r.account AS account, r.person AS person, r.channel AS channel,
            max(bitAnd(r.code, 4) != 0) AS is_read,
            max((bitAnd(r.code, 4) != 0, r.recipient)).2 AS address,
            argMax((toString(r.provider), toString(r.operator), toString(r.country), toString(r.traffic), toString(r.sender), toString(r.app)),
                (bitAnd(r.code, 4) != 0, if(bitAnd(r.code, 4) != 0, r.read_ms, r.delivered_ms), r.message_id, r.step)) AS keys
        FROM evidence AS r
        {{- if .Page}}
        -- The people of the page are found first, for that takes a fifth of what is known of everybody.
        WHERE (r.account, r.person) IN (SELECT DISTINCT account, person FROM evidence ORDER BY account, person LIMIT {limit:UInt32})
        {{- end}}
        GROUP BY account, person, channel
    )
    GROUP BY account, person
)
ORDER BY account, person
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_sort = 1000000000
