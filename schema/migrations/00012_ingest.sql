-- What it costs to store a block.

-- +goose Up

-- Texts that repeat come as a dictionary and keys, as attempts stores them.
-- +goose StatementBegin
ALTER TABLE events
    MODIFY COLUMN account LowCardinality(String), MODIFY COLUMN channel LowCardinality(String), MODIFY COLUMN provider LowCardinality(String),
    MODIFY COLUMN campaign LowCardinality(String), MODIFY COLUMN template LowCardinality(String), MODIFY COLUMN sender LowCardinality(String),
    MODIFY COLUMN app LowCardinality(String), MODIFY COLUMN operator LowCardinality(String), MODIFY COLUMN traffic LowCardinality(String),
    MODIFY COLUMN trigger LowCardinality(String), MODIFY COLUMN error_code LowCardinality(String), MODIFY COLUMN currency LowCardinality(String),
    MODIFY COLUMN said_country LowCardinality(String);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
