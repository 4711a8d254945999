-- Tables that aggregators which are gone worked with.
SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^work_[0-9a-f]{32}_')
