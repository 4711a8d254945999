{{- /* A row of number_health as one text, for the driver takes longer over a column of a row than over all of its bytes. All numbers are
little-endian; texts come behind their length (2 bytes). reasons: count (4), length (2), name; reachable_on and opt_outs, behind their lengths (4 bytes): a
time (8), then one text, or channel, app, sender and kind; the streak, up to the end: leg (8), code (4), sms_segments (2), cohort (8). */ -}}
{{define "packed_opt_outs" -}}
arrayStringConcat(arrayMap((channel, app, sender, kind, since) -> concat(reinterpretAsFixedString(since),
                reinterpretAsFixedString(toUInt16(length(channel))), channel, reinterpretAsFixedString(toUInt16(length(app))), app,
                reinterpretAsFixedString(toUInt16(length(sender))), sender, reinterpretAsFixedString(toUInt16(length(kind))), kind),
                opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms))
{{- end -}}
{{define "packed_reachable" -}}
arrayStringConcat(arrayMap((channel, at) -> concat(reinterpretAsFixedString(at), reinterpretAsFixedString(toUInt16(length(channel))), channel),
                reachable_channels, reachable_ms))
{{- end -}}
{{define "packed" -}}
concat(
            reinterpretAsFixedString(since_ms), reinterpretAsFixedString(first_failed_ms), reinterpretAsFixedString(last_failed_ms),
            reinterpretAsFixedString(last_delivered_ms), reinterpretAsFixedString(owner_changed_ms), reinterpretAsFixedString(rule_version),
            reinterpretAsFixedString(failed_mailings), reinterpretAsFixedString(failed_days), reinterpretAsFixedString(guessed),
            reinterpretAsFixedString(toUInt8(possible_reassignment)), reinterpretAsFixedString(ported), reinterpretAsFixedString(valid),
            reinterpretAsFixedString(toUInt16(length(account))), account, reinterpretAsFixedString(toUInt16(length(number))), number,
            reinterpretAsFixedString(toUInt16(length(rule))), rule, reinterpretAsFixedString(toUInt16(length(operator))), operator,
            reinterpretAsFixedString(toUInt16(arraySum(arrayMap(name -> 6 + length(name), mapKeys(reasons))))),
            arrayStringConcat(arrayMap((name, n) -> concat(reinterpretAsFixedString(n), reinterpretAsFixedString(toUInt16(length(name))), name),
                mapKeys(reasons), mapValues(reasons))),
            reinterpretAsFixedString(toUInt32(length({{template "packed_reachable"}} AS reachable))), reachable,
            reinterpretAsFixedString(toUInt32(length({{template "packed_opt_outs"}} AS opt_outs))), opt_outs,
            arrayStringConcat(arrayMap((leg, code, segments, cohort) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code),
                reinterpretAsFixedString(segments), reinterpretAsFixedString(cohort)), streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms)))
{{- end -}}
