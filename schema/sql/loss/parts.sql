-- Broken parts that nobody has mended or accepted. Parameter: limit.
SELECT table, part FROM broken_parts GROUP BY table, part HAVING argMax(state, version) = 'open' ORDER BY table, part LIMIT {limit:UInt32}
