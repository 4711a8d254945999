-- Dead letters by the hour in which they were refused. Parameters: from_ms, to_ms.
SELECT toInt64(intDiv(at_ms, 3600000)) AS hour, toInt64(count())
FROM rejected FINAL
WHERE at_ms >= {from_ms:Int64} AND at_ms < {to_ms:Int64}
GROUP BY hour
