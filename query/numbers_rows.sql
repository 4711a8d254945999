{{- /* A row of number_health as one text, for the driver takes longer over a column of a row than over all of its bytes. All numbers are
little-endian; texts come behind their length (2 bytes). reasons: count (4), length (2), name; the streak, up to the end: leg (8), code (4),
sms_segments (2), cohort (8). */ -}}
{{define "packed" -}}
concat(
            reinterpretAsFixedString(since_ms), reinterpretAsFixedString(first_failed_ms), reinterpretAsFixedString(last_failed_ms),
            reinterpretAsFixedString(last_delivered_ms), reinterpretAsFixedString(owner_changed_ms), reinterpretAsFixedString(rule_version),
            reinterpretAsFixedString(failed_mailings), reinterpretAsFixedString(failed_days),
            reinterpretAsFixedString(toUInt8(possible_reassignment)), reinterpretAsFixedString(ported), reinterpretAsFixedString(valid),
            reinterpretAsFixedString(toUInt16(length(account))), account, reinterpretAsFixedString(toUInt16(length(number))), number,
            reinterpretAsFixedString(toUInt16(length(rule))), rule, reinterpretAsFixedString(toUInt16(length(operator))), operator,
            reinterpretAsFixedString(toUInt16(arraySum(arrayMap(name -> 6 + length(name), mapKeys(reasons))))),
            arrayStringConcat(arrayMap((name, n) -> concat(reinterpretAsFixedString(n), reinterpretAsFixedString(toUInt16(length(name))), name),
                mapKeys(reasons), mapValues(reasons))),
            arrayStringConcat(arrayMap((leg, code, segments, cohort) -> concat(reinterpretAsFixedString(leg), reinterpretAsFixedString(code),
                reinterpretAsFixedString(segments), reinterpretAsFixedString(cohort)), streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms)))
{{- end -}}
