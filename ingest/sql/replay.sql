-- Dead letters that were not sent through again yet, in the order of their places.
SELECT topic, partition, offset, line, raw
FROM rejected FINAL
WHERE ({reason:String} = '' OR reason = {reason:String})
  AND ({field:String} = '' OR field = {field:String})
  AND ({topic:String} = '' OR topic = {topic:String})
  AND at_ms >= {since:Int64}
  AND at_ms < {until:Int64}
  AND ({every:Bool} OR (topic, partition, offset, line) IN
      (SELECT place.1, place.2, place.3, place.4 FROM
          (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(Int32)}, {offsets:Array(Int64)}, {lines:Array(UInt32)})) AS place)))
  AND ({first:Bool} OR (topic, partition, offset, line) > ({after_topic:String}, {after_partition:Int32}, {after_offset:Int64}, {after_line:UInt32}))
  AND (topic, partition, offset, line) NOT IN (SELECT topic, partition, offset, line FROM replayed)
ORDER BY topic, partition, offset, line
LIMIT {limit:UInt64}
