-- What it costs to find the dialogs of a few people.

-- +goose Up

-- A look-up reads as many rows as a granule has, of each part: of 200 people those of the whole table, where it has two
-- million rows and a granule 8192. All that the table holds is in dialogs.
-- +goose StatementBegin
DROP VIEW IF EXISTS dialogs_to_person;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS dialogs_by_person SYNC;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE dialogs_by_person AS dialogs
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, channel, sender, recipient, bucket)
SETTINGS index_granularity = 512;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW dialogs_to_person TO dialogs_by_person AS
SELECT account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms, replies_ms,
conversation, outside, gone FROM dialogs;
-- +goose StatementEnd
-- +goose StatementBegin
INSERT INTO dialogs_by_person (account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms,
    replies_ms, conversation, outside, gone)
SELECT account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms, replies_ms,
    conversation, outside, gone FROM dialogs
SETTINGS max_partitions_per_insert_block = 0;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
