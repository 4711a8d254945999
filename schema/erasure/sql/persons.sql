-- The latest bucket with dialogs of the pseudonym, for each channel and sender, and an edition after all that wrote them. Parameters: account, pseudonym.
SELECT toString(channel), toString(sender), maxIf(bucket, NOT startsWith(message_id, concat('\0', {pseudonym:String}))) AS latest, max(generation) + 1
FROM dialogs
WHERE account = {account:String} AND recipient = {pseudonym:String}
GROUP BY channel, sender
HAVING countIf(NOT startsWith(message_id, concat('\0', {pseudonym:String}))) > 0
