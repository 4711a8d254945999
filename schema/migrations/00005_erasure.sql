-- Numbers whose owner asked to be forgotten.

-- +goose Up

-- One row for each erased number: the audit, and what ingest knows numbers by that arrive later. hash: a keyed hash of account and number; key_id tells which
-- key made it. No number stands here. Who asks at the same time as somebody else may add a second pseudonym; the one asked for first counts.
-- done_ms: when nothing of the number was left, 0 until then.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS erasures
(
    account LowCardinality(String), hash String, pseudonym String, key_id LowCardinality(String), asked_ms Int64, `by` String, done_ms Int64, version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (account, hash, pseudonym);
-- +goose StatementEnd

-- What is being erased right now, for the mutations to look up: ClickHouse keeps the text of a mutation on disk, so the number must not stand in it.
-- known: the number, with its + and without; instead: what takes its place. In memory alone: a ClickHouse that starts again has forgotten it.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS erasing
(
    id UUID, account String, known String, instead String, at DateTime DEFAULT now()
)
ENGINE = Memory;
-- +goose StatementEnd

-- The rows that were copied under the pseudonym, or found to hold the number, and are to be deleted: a hash of the row.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS erasing_rows
(
    id UUID, `table` String, `row` UInt64, at DateTime DEFAULT now()
)
ENGINE = Memory;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
