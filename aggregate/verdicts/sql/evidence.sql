-- What the verdicts on touched numbers are decided from: a row per number, its attempts packed into one text (unpack in
-- evidence.go), because reading a value costs the client the same whatever its size: deliveries of all channels,
-- failures of those that tell of the number, and whatever carries a code.
-- Which numbers: see wanted.sql.
WITH
    {{never}} AS never,
    (s -> concat(reinterpretAsFixedString(length(s)::UInt16), s)) AS text,
    {{template "delivered" "code"}} AS is_delivered,
    if(startsWith(recipient, '+'), channel IN {phone_channels:Array(String)},
        channel IN {email_channels:Array(String)}) AS tells,
    tells AND {{template "failed" "code"}} AS is_failure,
    error_code != '' AS has_code,
    greatest(if(read_ms < never, read_ms, 0), last_reply_ms) AS seen_ms
SELECT account, recipient,
    arrayStringConcat(groupArray(concat(
        reinterpretAsFixedString((is_delivered + 2 * tells + 4 * expired + 8 * has_code + 16 * (seen_ms > 0) + 32
            * is_failure)::UInt8),
        reinterpretAsFixedString(cohort_ms),
        reinterpretAsFixedString(if(is_delivered, delivered_ms, {{template "started_ms" ""}})),
        text(channel),
        if(seen_ms > 0 OR has_code, concat(text(app), text(sender)), ''),
        if(seen_ms > 0, reinterpretAsFixedString(seen_ms), ''),
        if(has_code, concat(reinterpretAsFixedString(error_ms), text(provider), text(error_code)), ''),
        if(is_failure, concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code),
            reinterpretAsFixedString(sms_segments), text(campaign)), '')))) AS packed
FROM attempts_by_recipient FINAL
PREWHERE (startsWith(recipient, '+') OR startsWith(recipient, 'email:'))
    AND {{template "wanted" "recipient"}}
WHERE (is_delivered OR is_failure OR has_code)
GROUP BY account, recipient
ORDER BY account, recipient
-- In order it would take three times as long; what does not fit into memory goes to disk.
SETTINGS optimize_aggregation_in_order = 0, max_threads = 2, max_bytes_before_external_group_by = 1500000000,
    max_bytes_before_external_sort = 1500000000
