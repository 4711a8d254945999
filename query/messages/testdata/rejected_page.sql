-- Dead letters, newest first. The page is found by its keys, then how many of it have room in an answer by their lengths, and the
-- bytes are read for these alone. found counts the page and the one behind it.
WITH page AS
(
    SELECT topic, partition, offset, line
    FROM rejected FINAL
    WHERE 1 AND reason IN {reasons:Array(String)} AND (at_ms, toString(topic), partition, offset, line) < ({at_ms:Int64}, {topic:String}, {partition:Int32}, {offset:Int64}, {line:UInt32})
    ORDER BY at_ms DESC, topic DESC, partition DESC, offset DESC, line DESC
    LIMIT {limit:UInt32}
),
sized AS
(
    SELECT topic, partition, offset, line, row_number() OVER newest AS n,
        sum(length(raw) + length(error)) OVER newest - length(raw) - length(error) AS before
    FROM (SELECT * FROM rejected FINAL WHERE (topic, partition, offset, line) IN page)
    WINDOW newest AS (ORDER BY at_ms DESC, topic DESC, partition DESC, offset DESC, line DESC ROWS UNBOUNDED PRECEDING)
),
shown AS (SELECT topic, partition, offset, line FROM sized WHERE n < {limit:UInt32} AND before < {bytes:UInt64})
SELECT at_ms, topic, partition, offset, line, reason, field, error, raw, replayed_ms, (SELECT count() FROM page) AS found
FROM (SELECT * FROM rejected FINAL WHERE (topic, partition, offset, line) IN shown) AS letters
LEFT JOIN
(
    SELECT topic, partition, offset, line, max(at_ms) AS replayed_ms
    FROM replayed
    WHERE (topic, partition, offset, line) IN shown
    GROUP BY topic, partition, offset, line
) AS again USING (topic, partition, offset, line)
ORDER BY at_ms DESC, topic DESC, partition DESC, offset DESC, line DESC
-- limit = 11
-- bytes = 16777216
-- reasons = ["x' OR '1'='1 {id:String}"]
-- at_ms = 1
-- topic = "x' OR '1'='1 {id:String}"
-- partition = 2
-- offset = 3
-- line = 4
