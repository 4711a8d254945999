-- The newest versions of the lists that prices are made of, 0 where nobody has put one, and what tells these lists from others of the same
-- versions: a version that two writers were given belongs to one row in the end (listID).
SELECT
    max(if(kind = 'tariffs', newest.1, 0)), max(if(kind = 'templates', newest.1, 0)),
    groupBitXor(reinterpretAsUInt64(substring(UUIDToNum(newest.2), 9)))
FROM
(
    SELECT kind, account, max((version, id)) AS newest
    FROM reference
    WHERE kind IN ('tariffs', 'templates')
    GROUP BY kind, account
)
