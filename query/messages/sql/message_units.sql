-- The units of dialogs that one message carries, by step. Of a dialog the latest edition counts.
SELECT account, step, latest.2 = 1, latest.3 = 1
FROM
(
    SELECT account, step, argMax((gone, conversation, outside), (generation, NOT gone)) AS latest
    FROM dialogs
    WHERE {{template "place" .}}
        AND generation <= {edition:UInt64}{{if .Dead}} AND generation NOT IN {dead:Array(UInt64)}{{end}}
    GROUP BY account, bucket, step
)
WHERE latest.1 = 0
