-- What it costs to store a block of merged events.

-- +goose Up

-- A change is read once, soon: packing it well costs more than the room it takes meanwhile.
-- +goose StatementBegin
ALTER TABLE changes MODIFY COLUMN message_id String CODEC(LZ4), MODIFY COLUMN state String CODEC(LZ4);
-- +goose StatementEnd

-- Nor is it merged again when it lies in a part of some size. Small parts, of short blocks, are, and those whose changes were answered, which is how they go.
-- What waits while no aggregator runs may be many parts.
-- +goose StatementBegin
ALTER TABLE changes MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 16777216, exclude_deleted_rows_for_part_size_in_merge = 1,
    parts_to_delay_insert = 5000, parts_to_throw_insert = 10000;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
