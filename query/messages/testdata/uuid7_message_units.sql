-- The units of dialogs that one message carries, by step. Of a dialog the latest edition counts.
SELECT account, step, latest.2 = 1, latest.3 = 1
FROM
(
    SELECT account, step, argMax((gone, conversation, outside), (generation, NOT gone)) AS latest
    FROM dialogs
    WHERE message_id = {id:String} AND account = {account:String}
    AND bucket = toDateTime({bucket:UInt32}, 'UTC')
        AND generation <= {edition:UInt64} AND generation NOT IN {dead:Array(UInt64)}
    GROUP BY account, bucket, step
)
WHERE latest.1 = 0
-- id = "01a1a8c8-f88e-7ddf-837b-235096e0a668"
-- account = "x' OR '1'='1 {id:String}"
-- bucket = 1793829600
-- edition = 7
-- dead = [4]
