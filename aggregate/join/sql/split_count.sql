-- Notes messages whose events disagree on submitted_at. External table: disagreeing (account, message_id).
INSERT INTO split_messages SELECT account, message_id FROM disagreeing SETTINGS insert_deduplicate = 0
