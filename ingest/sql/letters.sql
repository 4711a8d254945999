-- How many of the letters that are chosen as in replay.sql wait, and how many were sent through again.
SELECT countIf(NOT again), countIf(again)
FROM
(
    SELECT (topic, partition, offset, line) IN (SELECT topic, partition, offset, line FROM replayed) AS again
    FROM rejected FINAL
    WHERE ({reason:String} = '' OR reason = {reason:String})
      AND ({field:String} = '' OR field = {field:String})
      AND ({topic:String} = '' OR topic = {topic:String})
      AND at_ms >= {since:Int64}
      AND at_ms < {until:Int64}
      AND ({every:Bool} OR (topic, partition, offset, line) IN
          (SELECT place.1, place.2, place.3, place.4 FROM
              (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(Int32)}, {offsets:Array(Int64)}, {lines:Array(UInt32)})) AS place)))
)
