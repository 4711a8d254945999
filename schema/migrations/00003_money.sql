-- What pricing needs: cascades by shape, the dialogs that conversations and reply windows are decided from, price lists.

-- +goose Up

-- How far the SMS text of an event is over a boundary, and what forces UCS-2, packed by schema.PackSMSMeasure; the greatest counts.
-- +goose StatementBegin
ALTER TABLE attempts ADD COLUMN IF NOT EXISTS sms_measure SimpleAggregateFunction(max, UInt32) AFTER sms_segments;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE orphans ADD COLUMN IF NOT EXISTS sms_measure UInt32 AFTER sms_segments;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE events ADD COLUMN IF NOT EXISTS sms_measure UInt32 AFTER sms_segments;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE events_to_attempts MODIFY QUERY
SELECT
    account, bucket, message_id, step,
    if(submitted_ms = 0, 9999999999999, submitted_ms) AS submitted_ms,
    if(id_ms = 0, 9999999999999, id_ms) AS id_ms,
    channel, provider, campaign, template, sender, app, operator, traffic, trigger, recipient_country, contact,
    segments, sms_segments, sms_measure,
    if(status = 1, occurred_ms, 9999999999999) AS queued_ms,
    if(status = 2, occurred_ms, 9999999999999) AS accepted_ms,
    if(status = 3, occurred_ms, 9999999999999) AS sent_ms,
    if(status = 4 AND part = 0, occurred_ms, 9999999999999) AS delivered_ms,
    if(status = 5, occurred_ms, 9999999999999) AS read_ms,
    if(status = 6, occurred_ms, 9999999999999) AS clicked_ms,
    if(status = 7, occurred_ms, 9999999999999) AS replied_ms,
    if(status = 8 AND part = 0, occurred_ms, 9999999999999) AS undelivered_ms,
    if(status = 9 AND part = 0, occurred_ms, 9999999999999) AS rejected_ms,
    if(status = 10 AND part = 0, occurred_ms, 9999999999999) AS expired_ms,
    if(status = 11 AND part = 0, occurred_ms, 9999999999999) AS failed_ms,
    if(status = 12, occurred_ms, 9999999999999) AS skipped_ms,
    parts,
    if(status = 4 AND part > 0, bitShiftLeft(toUInt256(1), greatest(part, 1) - 1), toUInt256(0)) AS delivered_parts,
    if(status BETWEEN 8 AND 11 AND part > 0, bitShiftLeft(toUInt256(1), greatest(part, 1) - 1), toUInt256(0)) AS failed_parts,
    if(status BETWEEN 8 AND 11 AND part > 0, bitShiftLeft(toUInt8(1), greatest(status, 8) - 8), 0)::UInt8 AS part_failures,
    if(status = 4 AND part > 0, occurred_ms, 0) AS parts_delivered_ms,
    error_code, permanent,
    if(currency = '', map(), map(currency, price_micros))::Map(String, Int64) AS prices
FROM events;
-- +goose StatementEnd

-- The keys of an attempt that a tariff may name, its trigger, and the currencies (joined by commas) in which a provider reported
-- a price. leg is a hash of all of them, so a row never changes.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS legs
(
    account LowCardinality(String), leg UInt64,
    channel LowCardinality(String), provider LowCardinality(String), operator LowCardinality(String), country LowCardinality(String),
    traffic LowCardinality(String), sender LowCardinality(String), app LowCardinality(String), trigger LowCardinality(String),
    currencies LowCardinality(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (account, leg);
-- +goose StatementEnd

-- What pricing must know of a message, once: its attempted steps in their order and the greatest sms_segments among them. A code: bit 0
-- sent, 1 delivered, 2 read, 3 failed, 4 carries a conversation unit, 5 a unit outside of the reply window; bits 8 to 23 segments.
-- shape is a hash of all of that, so a row never changes.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS shapes
(
    account LowCardinality(String), shape UInt64, sms_segments UInt16, legs Array(UInt64), codes Array(UInt32)
)
ENGINE = ReplacingMergeTree
ORDER BY (account, shape);
-- +goose StatementEnd

-- Counts of messages (with at least one attempted step) by shape. A message with prices reported in several currencies has one cell for
-- each of them; the first one counts the message.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_cascades
(
    account LowCardinality(String), bucket DateTime('UTC'), generation UInt64, cohort DateTime('UTC'),
    campaign LowCardinality(String), template LowCardinality(String), shape UInt64, reported_currency LowCardinality(String),
    messages UInt64, reported_micros Int128, cohort_max_ms Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, generation, cohort, campaign, template, shape);
-- +goose StatementEnd

-- Cells of rollup_cascades summed over a UTC day of buckets, so that a month need not be read in quarter hours. They are a cache: cascade_days
-- names the visible generations (state: groupBitXor(cityHash64(bucket, generation))) that a build was made from, and a report takes a build for a
-- day whose state it sees, else the cells themselves.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_cascade_days
(
    account LowCardinality(String), day Date, build UInt64, cohort_day Date, campaign LowCardinality(String), template LowCardinality(String),
    shape UInt64, reported_currency LowCardinality(String), messages UInt64, reported_micros Int128, cohort_max_ms Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, day, build, cohort_day, campaign, template, shape);
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cascade_days
(
    account LowCardinality(String), day Date, state UInt64, build UInt64
)
ENGINE = ReplacingMergeTree(build)
ORDER BY (account, day, state);
-- +goose StatementEnd

-- Sent SMS attempts whose text (the greatest measure of the message's attempted steps) is over a boundary by few characters or UCS-2
-- for few characters. leg and code as in shapes.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_waste
(
    account LowCardinality(String), bucket DateTime('UTC'), generation UInt64, cohort DateTime('UTC'),
    campaign LowCardinality(String), template LowCardinality(String), leg UInt64, code UInt32, sms_segments UInt16, sms_measure UInt32, attempts UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, generation, cohort, campaign, template);
-- +goose StatementEnd

-- Delivered attempts of the channels that know conversations, with the units that the walk over their person's whole months gave them
-- (docs/definitions.md section 4). Rows count when their generation is the bucket's visible one.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS dialogs
(
    account LowCardinality(String), channel LowCardinality(String), sender LowCardinality(String), recipient String CODEC(ZSTD(1)),
    bucket DateTime('UTC'), generation UInt64, message_id String CODEC(ZSTD(1)), step UInt8, delivered_ms Int64 CODEC(ZSTD(1)),
    replied_ms Int64 CODEC(ZSTD(1)), conversation UInt8, outside UInt8
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, generation, message_id, step);
-- +goose StatementEnd

-- The same rows, found by person: a look-up reads a granule of each part for each of them.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS dialogs_by_person AS dialogs
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, channel, sender, recipient, bucket)
SETTINGS index_granularity = 128;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS dialogs_to_person TO dialogs_by_person AS SELECT * FROM dialogs;
-- +goose StatementEnd

-- Price lists and other reference data: every version of every account's list stays, as it was when it was put. The rows are what GET shows.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS reference
(
    kind LowCardinality(String), account String, version UInt64, id UUID, at_ms Int64, by String, rows UInt32, body String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (kind, account, version, id);
-- +goose StatementEnd

-- Which set of rollups a generation was computed with: the aggregator computes what lacks some of them anew.
-- +goose StatementBegin
ALTER TABLE generations ADD COLUMN IF NOT EXISTS rollups UInt8 DEFAULT 0;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
