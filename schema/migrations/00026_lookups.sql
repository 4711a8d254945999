-- What it costs to find the attempts of a number, and the dialogs of a person.

-- +goose Up

-- Whoever reads a granule unpacks the blocks of each column in which it lies, and by default a block holds 64 KiB at
-- least, which is many granules.
-- +goose StatementBegin
ALTER TABLE attempts_by_recipient MODIFY SETTING min_compress_block_size = 8192;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs_by_person MODIFY SETTING min_compress_block_size = 4096;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
