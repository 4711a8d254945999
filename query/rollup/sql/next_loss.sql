{{- /* The first moment after {as_of} at which something is told that tables know of already and that lost_addresses.sql and penetration_counts.sql look at: 0
where there is none. It may be one that changes nothing. External table: error_map. */ -}}
SELECT min(ms)
FROM
(
    SELECT occurred_ms AS ms FROM recipient_events WHERE {{template "tells_of_loss" .}}
    UNION ALL
    SELECT arrayJoin([told_ms, failed_ms]) FROM rollup_people WHERE {{template "code_of_loss"}}{{template "lost_of" .}}
    UNION ALL
    SELECT arrayJoin([error_ms, start_ms, cohort_ms]) FROM attempts_by_recipient WHERE {{template "code_of_loss"}}{{template "lost_of" .}}
)
WHERE ms > {as_of:Int64}
