-- Whatever is written under the id from now on counts only when it is published. Parameter: generation.
INSERT INTO editions (edition, published) SELECT {generation:UInt64}, false SETTINGS insert_deduplicate = 0
