-- States of messages: a pass computes what has changed, not the hours that it lies in.

-- +goose Up

-- What the events of a batch say, one row each: a state (package schema/state) that knows this event alone. They are
-- stored after the facts and before the touch that announces the batch. Rows are removed when that is closed, and at
-- the latest when a batch can't be open any more.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS changes
(
    batch UUID, account LowCardinality(String), bucket DateTime('UTC'), message_id String CODEC(ZSTD(1)),
    state String CODEC(ZSTD(1)),
    at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY batch
TTL at + INTERVAL 60 DAY;
-- +goose StatementEnd
-- +goose StatementBegin
DROP VIEW IF EXISTS events_to_number_queue;
-- +goose StatementEnd

-- What was published of each message, by its key (state.Key.AppendKey): a copy of what facts say, which they can
-- rebuild.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS message_states
(
    key String, state String
)
ENGINE = EmbeddedRocksDB
PRIMARY KEY key
SETTINGS optimize_for_bulk_insert = 0;
-- +goose StatementEnd

-- What editions change in message_states: written before their publication, applied after it. The row of an edition
-- without a key comes last, its state is how many others there are. The row without a key in message_states is the
-- edition that was applied last.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS state_log
(
    edition UInt64, key String CODEC(ZSTD(1)), state String CODEC(ZSTD(1)), at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY edition
TTL at + INTERVAL 1 DAY DELETE WHERE key != '';
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

-- Cells of hours that are computed whole, before what is published of them is taken away. Nobody reads them afterwards.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS whole_attempts AS rollup_attempts
ENGINE = MergeTree ORDER BY edition TTL toDateTime(intDiv(edition, 1000000)) + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS whole_cascades AS rollup_cascades
ENGINE = MergeTree ORDER BY edition TTL toDateTime(intDiv(edition, 1000000)) + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS whole_spend AS rollup_spend
ENGINE = MergeTree ORDER BY edition TTL toDateTime(intDiv(edition, 1000000)) + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS whole_waste AS rollup_waste
ENGINE = MergeTree ORDER BY edition TTL toDateTime(intDiv(edition, 1000000)) + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS whole_failures AS rollup_failures
ENGINE = MergeTree ORDER BY edition TTL toDateTime(intDiv(edition, 1000000)) + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
-- +goose StatementEnd

-- Of a dialog the latest edition counts; gone says that it is this person's no more. Dialogs of before are decided
-- anew.
-- +goose StatementBegin
TRUNCATE TABLE dialogs;
-- +goose StatementEnd
-- +goose StatementBegin
TRUNCATE TABLE dialogs_by_person;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs ADD COLUMN IF NOT EXISTS gone UInt8;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs_by_person ADD COLUMN IF NOT EXISTS gone UInt8;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs_to_person MODIFY QUERY
SELECT account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms, replies_ms,
conversation, outside, gone FROM dialogs;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
