-- What cursors are sealed with where no --cursor-key is set.

-- +goose Up

-- key: 64 hexadecimal digits. The oldest seals, all open: so servers that start at the same time and each make one read each other's cursors.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cursor_keys
(
    key String, at DateTime64(6) DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree
ORDER BY key;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
