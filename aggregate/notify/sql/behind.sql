-- How many changes lie after a position in the feed.
SELECT count() FROM number_changes WHERE seq > {after:UInt64}
