-- States of messages: a pass computes what has changed, not the hours that it lies in.

-- +goose Up

-- What the events of a batch say, one row each: a state (package schema/state) that knows this event alone. They are stored
-- after the facts and before the touch that announces the batch. Rows are removed when that is closed, and at the latest
-- when a batch can't be open any more.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS changes
(
    batch UUID, account LowCardinality(String), bucket DateTime('UTC'), message_id String CODEC(ZSTD(1)), state String CODEC(ZSTD(1)),
    at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY batch
TTL at + INTERVAL 60 DAY;
-- +goose StatementEnd
-- +goose StatementBegin
DROP VIEW IF EXISTS events_to_number_queue;
-- +goose StatementEnd

-- What was published of each message, by its key (state.Key.AppendKey): a copy of what facts say, which they can rebuild.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS message_states
(
    key String, state String
)
ENGINE = EmbeddedRocksDB
PRIMARY KEY key
SETTINGS optimize_for_bulk_insert = 0;
-- +goose StatementEnd

-- What editions change in message_states: written before their publication, applied after it. A row without key says that
-- the states up to its edition were applied.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS state_log
(
    edition UInt64, key String CODEC(ZSTD(1)), state String CODEC(ZSTD(1)), at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY edition
TTL at + INTERVAL 1 DAY;
-- +goose StatementEnd

-- Hours that have facts whose states are not in message_states. A change of such an hour has it computed whole.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cold_hours
(
    account LowCardinality(String), bucket DateTime('UTC'), edition UInt64, cold UInt8
)
ENGINE = ReplacingMergeTree(edition)
ORDER BY (account, bucket);
-- +goose StatementEnd
-- +goose StatementBegin
INSERT INTO cold_hours SELECT DISTINCT account, bucket, 0, 1 FROM attempts SETTINGS insert_deduplicate = 0;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
