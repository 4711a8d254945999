-- What it costs to log the states that an edition changes.

-- +goose Up

-- A log is read once, at once: packing it well costs more than the room it takes meanwhile. Nor is a part of some size
-- merged again before its rows are dropped, as those of changes are not (00016).
-- +goose StatementBegin
ALTER TABLE state_log MODIFY COLUMN key String CODEC(LZ4), MODIFY COLUMN state String CODEC(LZ4);
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE state_log MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 16777216,
    exclude_deleted_rows_for_part_size_in_merge = 1, parts_to_delay_insert = 5000, parts_to_throw_insert = 10000;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
