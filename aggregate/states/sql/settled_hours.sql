-- The hours whose states were moved out of message_states.
SELECT account, toInt64(toUnixTimestamp(bucket)) * 1000 FROM cold_hours FINAL WHERE cold = 2
