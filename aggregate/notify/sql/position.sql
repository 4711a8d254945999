-- The position of a sink, and where the feed ends, for a sink that is new.
SELECT count() > 0, max(seq), (SELECT max(seq) FROM number_changes) FROM notified WHERE sink = {sink:String}
