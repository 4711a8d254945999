-- Makes all rows of the edition visible at once. Parameter: generation.
INSERT INTO editions (edition, published) SELECT {generation:UInt64}, true SETTINGS insert_deduplicate = 0
