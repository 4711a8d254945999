-- What is left of the orders for these partitions. Parameters: topic, partitions.
SELECT r.id, r.from_ms, r.partition, p.id != toUUID('00000000-0000-0000-0000-000000000000') AS applied, p.partitions, p.from_offset, p.until_offset
FROM (SELECT id, from_ms, arrayJoin({partitions:Array(Int32)}) AS partition FROM rereads FINAL) AS r
LEFT JOIN
(
    SELECT id, partition, max(done) AS done, max(partitions) AS partitions, max(from_offset) AS from_offset, max(until_offset) AS until_offset
    FROM reread_partitions
    WHERE topic = {topic:String}
    GROUP BY id, partition
) AS p ON p.id = r.id AND p.partition = r.partition
WHERE p.done = 0
SETTINGS join_use_nulls = 0
