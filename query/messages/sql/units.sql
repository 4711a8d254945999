-- The attempts among those of list.sql that carry units of dialogs, in the same order. Of a dialog the latest edition counts; one
-- that moved to another person has a row for each in one edition. External table: targets.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000, message_id, step, latest.2 = 1, latest.3 = 1
FROM
(
    SELECT account, bucket, message_id, step, argMax((gone, conversation, outside), (generation, NOT gone)) AS latest
    FROM dialogs
    WHERE {{template "targets" .}}
        AND generation <= {edition:UInt64}{{if .Dead}} AND generation NOT IN {dead:Array(UInt64)}{{end}}
    GROUP BY account, bucket, message_id, step
)
WHERE latest.1 = 0 AND latest.2 + latest.3 > 0
ORDER BY account, bucket, message_id, step
