-- Editions: what a pass publishes is the difference to what was published before.

-- +goose Up

-- A publication of the aggregator. Its row without published is written before any row of the edition is, the one with
-- it makes all of them visible at once. An edition that has the first row alone died: whatever was written under its id
-- never counts.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS editions
(
    edition UInt64, published Bool, at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY edition;
-- +goose StatementEnd

-- What was published is computed anew by differences.
-- +goose StatementBegin
DROP VIEW IF EXISTS rollup_attempts_to_days;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS rollup_attempts;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS rollup_cascades;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS rollup_spend;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS rollup_waste;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS rollup_failures;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS rollup_cascade_days;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TABLE IF EXISTS cascade_days;
-- +goose StatementEnd

-- The tables rollup_* hold cells: counts by cohort quarter hour and dimensions. A cell is the sum of rows of these
-- kinds:
--   difference   what an edition adds to the cell, or takes from it
--   quarter      the sum of all that was published of an (account, day) before a build, whose id is in edition
--   day          the same over the whole UTC day: bucket is 0 and cohort the start of the day
--   route        as day, with no other dimensions than channel and provider (rollup_attempts alone)
-- day is the UTC day of the cohort. Of an (account, day) count the rows of its greatest build (table builds) of one of
-- the latter kinds, and the differences of later editions, both up to the edition that the reader has seen published.
-- Counts of differences may be negative. Histograms map a latency cell (schema.LatencyCellMS) to its attempts modulo
-- 2^64, so that differences add up in unsigned numbers; those are what weights of quantiles are.
-- window_end: the quarter hour by which the first minute of a timed attempt is over; 0 where its first day is over too.
-- timed, in_1m, in_24h, read_in_24h: sent attempts whose start is known; of them those delivered within 60 s and 24 h,
-- and read within 24 h. They count in the time-boxed rates when their window is over.
-- lowered: attempts from which a later event took a delivery, which is how fewer of them are told from lost facts.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_attempts
(
    account LowCardinality(String), kind Enum8('difference' = 0, 'quarter' = 1, 'day' = 2, 'route' = 3), day Date,
    edition UInt64 CODEC(Delta, ZSTD(1)), bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    cohort DateTime('UTC') CODEC(Delta, ZSTD(1)),
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String),
    template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String),
    country LowCardinality(String),
    traffic LowCardinality(String), step UInt8, trigger LowCardinality(String),
    window_end DateTime('UTC') CODEC(Delta, ZSTD(1)),
    attempted Int64 CODEC(T64, ZSTD(1)), sent Int64 CODEC(T64, ZSTD(1)), delivered Int64 CODEC(T64, ZSTD(1)),
    read Int64 CODEC(T64, ZSTD(1)),
    clicked Int64 CODEC(T64, ZSTD(1)), replied Int64 CODEC(T64, ZSTD(1)), failed Int64 CODEC(T64, ZSTD(1)),
    pending Int64 CODEC(T64, ZSTD(1)),
    skipped Int64 CODEC(T64, ZSTD(1)), skewed Int64 CODEC(T64, ZSTD(1)), machine_opened Int64 CODEC(T64, ZSTD(1)),
    lowered Int64 CODEC(T64, ZSTD(1)),
    timed Int64 CODEC(T64, ZSTD(1)), in_1m Int64 CODEC(T64, ZSTD(1)), in_24h Int64 CODEC(T64, ZSTD(1)),
    read_in_24h Int64 CODEC(T64, ZSTD(1)),
    to_deliver Map(UInt16, UInt64), to_read Map(UInt16, UInt64), to_reply Map(UInt16, UInt64),
    cohort_max_ms Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_bucket bucket TYPE minmax GRANULARITY 1, INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, kind, day, edition, bucket, cohort, channel, provider);
-- +goose StatementEnd

-- Counts of messages (with at least one attempted step) by shape. A message with prices reported in several currencies
-- has one cell for each of them; the first one counts the message.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_cascades
(
    account LowCardinality(String), kind Enum8('difference' = 0, 'quarter' = 1, 'day' = 2, 'route' = 3), day Date,
    edition UInt64 CODEC(Delta, ZSTD(1)), bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    cohort DateTime('UTC') CODEC(Delta, ZSTD(1)),
    campaign LowCardinality(String), template LowCardinality(String), shape UInt64,
    reported_currency LowCardinality(String),
    messages Int64 CODEC(T64, ZSTD(1)), reported_micros Int128 CODEC(ZSTD(1)),
    cohort_max_ms Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_bucket bucket TYPE minmax GRANULARITY 1, INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, kind, day, edition, bucket, cohort, campaign, template, shape);
-- +goose StatementEnd

-- Counts of attempted steps. leg, code and shape as in table shapes; a shape and a step in it decide leg and code.
-- computed_segments: sms_segments of a sent SMS that carries segments too, else 0. Whether the message is priced
-- depends on its shape, and on the segments of its template where no step says any: message_segments is the greatest
-- sms_segments of its attempted steps, message_template is '' where there are some. reported: prices by currency.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_spend
(
    account LowCardinality(String), kind Enum8('difference' = 0, 'quarter' = 1, 'day' = 2, 'route' = 3), day Date,
    edition UInt64 CODEC(Delta, ZSTD(1)), bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    cohort DateTime('UTC') CODEC(Delta, ZSTD(1)),
    campaign LowCardinality(String), template LowCardinality(String), step UInt8, leg UInt64, code UInt32,
    computed_segments UInt16, shape UInt64,
    message_segments UInt16, message_template LowCardinality(String), reported Map(LowCardinality(String), Int128),
    attempts Int64 CODEC(T64, ZSTD(1)), cohort_max_ms Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_bucket bucket TYPE minmax GRANULARITY 1, INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, kind, day, edition, bucket, cohort, campaign, template, shape, step);
-- +goose StatementEnd

-- Sent SMS attempts whose text (the greatest measure of the message's attempted steps) is over a boundary by few
-- characters or UCS-2 for few characters. leg and code as in shapes.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_waste
(
    account LowCardinality(String), kind Enum8('difference' = 0, 'quarter' = 1, 'day' = 2, 'route' = 3), day Date,
    edition UInt64 CODEC(Delta, ZSTD(1)), bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    cohort DateTime('UTC') CODEC(Delta, ZSTD(1)),
    campaign LowCardinality(String), template LowCardinality(String), leg UInt64, code UInt32, sms_segments UInt16,
    sms_measure UInt32,
    attempts Int64 CODEC(T64, ZSTD(1)), cohort_max_ms Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_bucket bucket TYPE minmax GRANULARITY 1, INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, kind, day, edition, bucket, cohort, campaign, template);
-- +goose StatementEnd

-- Failed attempts by error code. Which class a code means is applied at reading, so that a corrected error map corrects
-- the past.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_failures
(
    account LowCardinality(String), kind Enum8('difference' = 0, 'quarter' = 1, 'day' = 2, 'route' = 3), day Date,
    edition UInt64 CODEC(Delta, ZSTD(1)), bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    cohort DateTime('UTC') CODEC(Delta, ZSTD(1)),
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String),
    template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String),
    country LowCardinality(String),
    traffic LowCardinality(String), step UInt8, trigger LowCardinality(String),
    error_code LowCardinality(String), permanent UInt8, expired UInt8, failed Int64 CODEC(T64, ZSTD(1)),
    cohort_max_ms Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_bucket bucket TYPE minmax GRANULARITY 1, INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, kind, day, edition, bucket, cohort, channel, provider);
-- +goose StatementEnd

-- The sums that readers take in place of older rows: of an (account, day) the greatest build. A build is an edition of
-- its own. cells: how many rows by quarter hours it made.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS builds
(
    account LowCardinality(String), day Date, build UInt64, cells UInt64
)
ENGINE = MergeTree
ORDER BY (account, day, build);
-- +goose StatementEnd

-- Which editions changed cells of an (account, day), and by how many rows (to be added up): what a remembered answer
-- depends on, and when sums are to be built anew. Whoever asks wants what the latest editions changed.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS day_changes
(
    account LowCardinality(String), day Date, edition UInt64, cells UInt64
)
ENGINE = MergeTree
ORDER BY (edition, account, day);
-- +goose StatementEnd

-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_attempts_to_days TO day_changes AS
SELECT account, day, edition, count() AS cells FROM rollup_attempts WHERE kind = 'difference'
GROUP BY account, day, edition;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_cascades_to_days TO day_changes AS
SELECT account, day, edition, count() AS cells FROM rollup_cascades WHERE kind = 'difference'
GROUP BY account, day, edition;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_spend_to_days TO day_changes AS
SELECT account, day, edition, count() AS cells FROM rollup_spend WHERE kind = 'difference'
GROUP BY account, day, edition;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_waste_to_days TO day_changes AS
SELECT account, day, edition, count() AS cells FROM rollup_waste WHERE kind = 'difference'
GROUP BY account, day, edition;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_failures_to_days TO day_changes AS
SELECT account, day, edition, count() AS cells FROM rollup_failures WHERE kind = 'difference'
GROUP BY account, day, edition;
-- +goose StatementEnd

-- Cells say themselves what a generation said of them.
-- +goose StatementBegin
ALTER TABLE generations DROP COLUMN IF EXISTS cohort_min_ms, DROP COLUMN IF EXISTS cohort_max_ms,
    DROP COLUMN IF EXISTS due_ms, DROP COLUMN IF EXISTS messages;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
