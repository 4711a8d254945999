-- What a channel report asks, put to the facts themselves: the peer of everything that is published. Parameters: account ('' for all), from_s, to_s.
SELECT channel, count(), countIf(least(delivered_ms, read_ms, clicked_ms, replied_ms) < 9999999999999), countIf(least(read_ms, clicked_ms, replied_ms) < 9999999999999)
FROM attempts FINAL
WHERE ({account:String} = '' OR account = {account:String}) AND bucket >= toDateTime({from_s:Int64}, 'UTC') AND bucket < toDateTime({to_s:Int64}, 'UTC')
GROUP BY channel
