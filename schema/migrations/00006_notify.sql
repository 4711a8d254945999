-- Up to which change of number_changes each sink of notifications was told.

-- +goose Up

-- A row says that the sink acknowledged all changes up to seq, so the greatest counts, whoever wrote it.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS notified
(
    sink String, seq UInt64, at DateTime64(3) DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY sink;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
