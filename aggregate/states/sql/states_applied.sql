-- Says that the states of the edition, and of all before it, are applied. Parameter: generation.
INSERT INTO message_states SELECT '', toString({generation:UInt64})
