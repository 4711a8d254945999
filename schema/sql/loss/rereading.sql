-- How many orders are not carried out: those that were not taken up, or some of whose partitions are not where they were again.
SELECT count()
FROM rereads FINAL
WHERE id NOT IN
(
    SELECT id
    FROM (SELECT id, topic, partition, max(partitions) AS partitions, max(done) AS done FROM reread_partitions GROUP BY id, topic, partition)
    GROUP BY id, topic
    HAVING sum(done) >= max(partitions)
)
