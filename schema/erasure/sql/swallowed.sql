-- Whether the bucket was published by a pass that had begun before a moment. Parameters: account, bucket (seconds), generation (visible then), moment (microseconds).
SELECT count() > 0
FROM generations
WHERE account = {account:String} AND bucket = toDateTime({bucket:Int64}, 'UTC') AND generation > {generation:UInt64} AND generation <= {moment:UInt64}
