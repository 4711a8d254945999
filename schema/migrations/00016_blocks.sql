-- What it costs to store a block of merged events.

-- +goose Up

-- A change is read once, soon: packing it well costs more than the room it takes meanwhile.
-- +goose StatementBegin
ALTER TABLE changes MODIFY COLUMN message_id String CODEC(LZ4), MODIFY COLUMN state String CODEC(LZ4);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
