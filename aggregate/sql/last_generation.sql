-- The greatest generation id ever used, published or not.
SELECT greatest((SELECT max(generation) FROM generations), (SELECT max(generation) FROM rollup_attempts))
