-- The latest bucket with dialogs of the pseudonym, for each channel and sender, and an edition after all that wrote them. Parameters: account, pseudonym.
SELECT toString(channel), toString(sender), maxIf(bucket, message_id != '') AS latest, max(generation) + 1
FROM dialogs
WHERE account = {account:String} AND recipient = {pseudonym:String}
GROUP BY channel, sender
HAVING countIf(message_id != '') > 0
