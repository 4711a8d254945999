{{- /* People who were tried on both of two values of a key (docs/definitions.md section 3, compare), by what became of their attempts on each: a number with six
bits for a, and six above them for b. On routes that report what the rate asks for: tried, in the denominator, in the numerator; and of those in the denominator,
whether reads are exact, a lower, an upper bound. People are known by a hash of 128 bits, of which two never meet. Everything is a GROUP BY, which goes to disk where memory ends.
Clicks and replies are facts of attempts that no table by recipient has. */ -}}
WITH (account, name) -> reinterpretAsUInt128(sipHash128(account, name)) AS hash_of
SELECT bits, count(), max(settled_ms)
FROM
(
    SELECT person, groupBitOr(a.bits) AS bits, max(a.settles_ms) AS settled_ms
    FROM
    (
        WITH
            {{.Route}} AS route,
        {{- range .Keys}}
            {{.Cell}} AS {{.Column}},
            {{.Shown}} = {{.After}} AS is_a,
        {{- end}}
            {{if .Reads}}{{template "reports_reads" "route"}}{{else}}{{template "reports_deliveries" "route"}}{{end}} AS has,
            {{if eq .Den "sent"}}{{template "sent" "r.code"}}{{else if eq .Den "delivered"}}{{template "delivered" "r.code"}}{{else}}true{{end}} AS den,
            {{if .Facts}}(r.account, r.bucket, r.message_id, r.step) IN
                (
                    SELECT account, bucket, message_id, step FROM attempts
                    WHERE {{.Facts}} != {{never}}{{if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
                )
            {{- else if eq .Num "read"}}{{template "read" "r.code"}}{{else}}{{template "delivered" "r.code"}}{{end}} AS num,
            {{template "bound_of_reads" "route"}} AS bound,
            toUInt16(has + 2 * (has AND den) + 4 * (has AND den AND num) + if(has AND den AND bound > 0, bitShiftLeft(4, bound), 0)) AS of_side
        SELECT
            hash_of(r.account, r.person) AS person, if(is_a, of_side, bitShiftLeft(of_side, 6)) AS bits,
            {{template "settles_ms" "r.cohort_ms"}} AS settles_ms
        FROM
        (
            SELECT *, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort
            FROM attempts_by_recipient FINAL
            WHERE NOT {{template "skipped" "code"}} AND cohort_ms >= {from:UInt32} * 1000 AND cohort_ms < {to:UInt32} * 1000
                {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
        ) AS r
        WHERE {{range $i, $f := .Filters}}{{if $i}} AND {{end}}{{$f.Shown}} IN {{$f.Parameter}}{{end}}
    ) AS a
    GROUP BY person
    HAVING bitTest(bits, 0) AND bitTest(bits, 6)
)
GROUP BY bits
-- Each GROUP BY takes this much memory at most; the rest goes to disk.
SETTINGS max_bytes_before_external_group_by = 2000000000
