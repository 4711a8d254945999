-- Whether an aggregator works on this database. Parameter: seconds, how long one may be silent.
SELECT count() > 0 AND NOT argMax(leaving, at) AND max(at) > now64(3) - toIntervalSecond({seconds:UInt32}) FROM freshness
