-- From now on the stray buckets leave these messages out.
INSERT INTO splits SELECT account, message_id, bucket, home FROM strays SETTINGS insert_deduplicate = 0
