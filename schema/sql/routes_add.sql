-- The lines of channels that table routes does not know yet. What is there stays: it may have been changed.
INSERT INTO routes
SELECT '', line.1, '*', line.2, line.3, line.4, line.5, 1
FROM
(
    SELECT arrayJoin(arrayZip({channels:Array(String)}, {deliveries:Array(Bool)}, {reads:Array(Bool)},
        {bounds:Array(String)}, {days:Array(UInt16)})) AS line
)
WHERE line.1 NOT IN (SELECT channel FROM routes WHERE account = '' AND provider = '*')
