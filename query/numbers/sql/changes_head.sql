-- The end of the feed, looked for behind a place that was its end before: then the index leaves nearly nothing to read.
SELECT max(seq) FROM number_changes WHERE seq > {after:UInt64}
