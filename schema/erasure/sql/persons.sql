-- The latest bucket with dialogs of the pseudonym, for each channel and sender, and its visible generation. Parameters: account, pseudonym.
WITH
    mine AS
    (
        SELECT channel, sender, bucket, generation FROM dialogs WHERE account = {account:String} AND recipient = {pseudonym:String} AND message_id != ''
    ),
    visible AS
    (
        SELECT bucket, max(generation) FROM generations WHERE account = {account:String} AND bucket IN (SELECT bucket FROM mine) GROUP BY bucket
    )
SELECT toString(channel), toString(sender), max(bucket) AS latest, argMax(generation, bucket)
FROM mine
WHERE (bucket, generation) IN visible
GROUP BY channel, sender
