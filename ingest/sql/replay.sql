-- Dead letters that were not sent through again yet, in the order of their places.
SELECT topic, partition, offset, line, raw
FROM rejected FINAL
WHERE ({reason:String} = '' OR reason = {reason:String})
  AND ({field:String} = '' OR field = {field:String})
  AND ({topic:String} = '' OR topic = {topic:String})
  AND at_ms >= {since:Int64}
  AND at_ms < {until:Int64}
  AND (topic, partition, offset, line) NOT IN (SELECT topic, partition, offset, line FROM replayed)
ORDER BY topic, partition, offset, line
