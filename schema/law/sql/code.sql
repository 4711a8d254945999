{{- /* The outcome of an attempt as a number: what Code in code.go takes apart. The argument of the others is
the column that holds it. */ -}}
{{define "code" -}}
is_sent + 2 * is_delivered + 4 * is_read + 8 * is_failed + 16 * has_conversation + 32 * is_outside
        + 128 * is_not_billed + 256 * toUInt32(segments)
{{- end}}
{{- /* By recipient: bit 6 tells of skipped attempts, and the units of dialogs are left out, for other messages
move them. */ -}}
{{define "code_by_recipient"}}bitOr(bitAnd({{.}}code, bitNot(toUInt32(48))), if({{.}}is_skipped, 64, 0)){{end}}

{{define "sent"}}bitTest({{.}}, 0){{end}}
{{define "delivered"}}bitTest({{.}}, 1){{end}}
{{define "read"}}bitTest({{.}}, 2){{end}}
{{define "failed"}}bitTest({{.}}, 3){{end}}
{{define "skipped"}}bitTest({{.}}, 6){{end}}
{{define "segments"}}toUInt16(bitShiftRight({{.}}, 8)){{end}}

{{- /* What a route can report as a number: what CapabilityCode in capability.go packs. The argument is the number,
or a time of a cohort. */ -}}
{{define "reports_deliveries"}}bitTest({{.}}, 0){{end}}
{{define "reports_reads"}}bitTest({{.}}, 1){{end}}
{{define "bound_of_reads"}}bitAnd(bitShiftRight({{.}}, 2), 3){{end}}
{{define "settles_ms"}}{{.}} + toInt64(bitShiftRight(route, 4)) * {{dayMS}}{{end}}
