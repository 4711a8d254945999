-- Whether numbers_due.sql may find something: a verdict that was replaced may still be among these rows.
SELECT count() > 0 FROM number_health WHERE due_ms <= {now:Int64}
