-- The cells of the savings report (docs/definitions.md section 4): messages of visible generations, counted by pricing signature (table
-- shapes). One row for each group and each set of conditions that pricing depends on (cells.go); cells holds its signatures, 40 bytes each: shape,
-- messages, reported_micros (16 bytes) and cohort_max_ms, all little-endian. Packed, because reading a row per signature takes longer than all the rest.
SELECT
    account,
    conditions,
    arrayStringConcat(groupArray(concat(reinterpretAsFixedString(shape), reinterpretAsFixedString(messages),
        reinterpretAsFixedString(reported_micros), reinterpretAsFixedString(cohort_max_ms)))) AS cells
FROM
(
    SELECT
        r.account AS account,
        CAST(reinterpretAsUInt32(r.reported_currency), 'UInt64') AS conditions,
        r.shape AS shape, sum(r.messages) AS messages, sum(r.reported_micros) AS reported_micros, max(r.cohort_max_ms) AS cohort_max_ms
    FROM rollup_cascades AS r
    WHERE r.cohort >= toDateTime({from:UInt32}, 'UTC') AND r.cohort < toDateTime({to:UInt32}, 'UTC')
        AND (r.account, r.bucket, r.generation) IN
        (
        SELECT account, bucket, max(generation) AS newest
        FROM generations
        WHERE generation <= {generation:UInt64}
        GROUP BY account, bucket
        HAVING argMax(cohort_max_ms, generation) >= {from:UInt32} * 1000 AND argMax(cohort_min_ms, generation) < {to:UInt32} * 1000
        )
    GROUP BY account, conditions, shape
)
GROUP BY account, conditions, bitAnd(shape, 15) -- So that no row is larger than it need be.
-- from = 0
-- to = 4294967295
-- generation = 7
