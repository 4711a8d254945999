-- Why a list was put, in the words of who put it.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE reference ADD COLUMN IF NOT EXISTS why String CODEC(ZSTD(1));
-- +goose StatementEnd

-- +goose Down
SELECT 1;
