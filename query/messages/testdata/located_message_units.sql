-- The units of dialogs that one message carries, by step. Of a dialog the latest edition counts.
SELECT account, step, latest.2 = 1, latest.3 = 1
FROM
(
    SELECT account, step, argMax((gone, conversation, outside), (generation, NOT gone)) AS latest
    FROM dialogs
    WHERE message_id = {id:String}
    AND (account, bucket) IN
    (
        SELECT account, bucket FROM located WHERE message_id = {id:String}
        UNION ALL
        SELECT account, home FROM splits WHERE message_id = {id:String}
    )
        AND generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)}
    GROUP BY account, bucket, step
)
WHERE latest.1 = 0
-- id = "x' OR '1'='1 {id:String}"
-- edition = 7
-- dead = [4]
