-- Facts: every column is merged by an operation that is commutative, associative and idempotent, so that a duplicate, a
-- reordered event or a replay changes no answer (docs/decisions.md, "A stored fact is a merge").
-- Times are Unix milliseconds. 9999999999999 (year 2286) stands for "never seen": it loses every min and overflows no sum.

-- +goose Up

-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS attempts
(
    account            LowCardinality(String),
    bucket             DateTime('UTC') CODEC(ZSTD(1)),
    message_id         String CODEC(ZSTD(1)),
    step               UInt8,
    submitted_ms       SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    -- The time inside a UUIDv7 or ULID message_id, when an event finds it plausible: the cohort of messages without submitted_at.
    id_ms              SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    channel            SimpleAggregateFunction(max, LowCardinality(String)),
    provider           SimpleAggregateFunction(max, LowCardinality(String)),
    campaign           SimpleAggregateFunction(max, LowCardinality(String)),
    template           SimpleAggregateFunction(max, LowCardinality(String)),
    sender             SimpleAggregateFunction(max, LowCardinality(String)),
    app                SimpleAggregateFunction(max, LowCardinality(String)),
    operator           SimpleAggregateFunction(max, LowCardinality(String)),
    traffic            SimpleAggregateFunction(max, LowCardinality(String)),
    trigger            SimpleAggregateFunction(max, LowCardinality(String)),
    -- recipient, a NUL byte, its country: one column, so that the country is always that of the greatest recipient.
    recipient_country  SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    contact            SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    segments           SimpleAggregateFunction(max, UInt16),
    sms_segments       SimpleAggregateFunction(max, UInt16),
    queued_ms          SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    accepted_ms        SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    sent_ms            SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    delivered_ms       SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    read_ms            SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    clicked_ms         SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    replied_ms         SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    undelivered_ms     SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    rejected_ms        SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    expired_ms         SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    failed_ms          SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    skipped_ms         SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    -- Multipart receipts: bit p-1 stands for part p. part_failures: bits 0 undelivered, 1 rejected, 2 expired, 3 failed.
    parts              SimpleAggregateFunction(max, UInt8),
    delivered_parts    SimpleAggregateFunction(groupBitOr, UInt256) CODEC(ZSTD(1)),
    failed_parts       SimpleAggregateFunction(groupBitOr, UInt256) CODEC(ZSTD(1)),
    part_failures      SimpleAggregateFunction(groupBitOr, UInt8),
    parts_delivered_ms SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
    -- Of failure events only; leading zeros cut.
    error_code         SimpleAggregateFunction(max, LowCardinality(String)),
    permanent          SimpleAggregateFunction(max, UInt8),
    -- Greatest price that a provider reported, in micro-units, per currency.
    prices             SimpleAggregateFunction(maxMap, Map(String, Int64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, message_id, step)
-- Cold partitions become one part, which halves the cost of reading them folded.
SETTINGS min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
-- +goose StatementEnd

-- What ingest sends: one narrow row per event. The view spreads it over the columns of attempts on the server, where that
-- costs least; the columns are stateless functions of the row, so the merge laws hold for the view too.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS events
(
    account String, bucket DateTime('UTC'), message_id String, step UInt8, status UInt8, occurred_ms Int64,
    submitted_ms Int64, id_ms Int64, channel String, provider String, campaign String, template String, sender String,
    app String, operator String, traffic String, trigger String, recipient_country String, contact String, segments UInt16,
    sms_segments UInt16, part UInt8, parts UInt8, error_code String, permanent UInt8, price_micros Int64, currency String
)
ENGINE = Null;
-- +goose StatementEnd

-- Status numbers are schema.Status: 1 queued, 2 accepted, 3 sent, 4 delivered, 5 read, 6 clicked, 7 replied, 8 undelivered,
-- 9 rejected, 10 expired, 11 failed, 12 skipped. A delivery or failure with a part speaks of that part alone.
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS events_to_attempts TO attempts AS
SELECT
    account, bucket, message_id, step,
    if(submitted_ms = 0, 9999999999999, submitted_ms) AS submitted_ms,
    if(id_ms = 0, 9999999999999, id_ms) AS id_ms,
    channel, provider, campaign, template, sender, app, operator, traffic, trigger, recipient_country, contact,
    segments, sms_segments,
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

-- Events of people rather than messages (subscribed, uninstalled, lookup …). The whole row is the key: a duplicate merges away.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS recipient_events
(
    account LowCardinality(String), recipient String CODEC(ZSTD(1)), status LowCardinality(String),
    channel LowCardinality(String), app LowCardinality(String), occurred_ms Int64, provider LowCardinality(String),
    sender LowCardinality(String), campaign LowCardinality(String), message_id String, contact String, operator LowCardinality(String),
    -- -1 unknown, 0 false, 1 true
    ported Int8, valid Int8, owner_changed_ms Int64, country LowCardinality(String), error_code LowCardinality(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(toDateTime(intDiv(occurred_ms, 1000), 'UTC'))
ORDER BY (account, recipient, status, channel, app, occurred_ms, provider, sender, campaign, message_id, contact, operator, ported, valid,
          owner_changed_ms, country, error_code);
-- +goose StatementEnd

-- Where a message whose id carries no time is stored. More than one row of a message: its events disagree on submitted_at.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS located
(
    account LowCardinality(String), message_id String CODEC(ZSTD(1)), bucket DateTime('UTC'), submitted_ms Int64, batch UUID
)
ENGINE = ReplacingMergeTree
ORDER BY (account, message_id, bucket, submitted_ms);
-- +goose StatementEnd

-- Events whose bucket is not known yet. They are copied to attempts when their message is located, and stay here, for 30 days.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS orphans
(
    account LowCardinality(String), message_id String CODEC(ZSTD(1)), step UInt8, status UInt8, occurred_ms Int64,
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String), template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String), traffic LowCardinality(String),
    trigger LowCardinality(String), recipient_country String, contact String, segments UInt16, sms_segments UInt16, part UInt8,
    parts UInt8, error_code LowCardinality(String), permanent UInt8, price_micros Int64, currency LowCardinality(String),
    topic LowCardinality(String), partition Int32, offset Int64, line UInt32, raw String CODEC(ZSTD(3)), parked_ms Int64, batch UUID,
    -- parked_ms is the clock of events, which --now may fix; rows are removed by ClickHouse's own.
    inserted DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (account, message_id, topic, partition, offset, line)
TTL inserted + INTERVAL 40 DAY;
-- +goose StatementEnd

-- How a parked event ended: joined to its message, or expired into the dead letters. Open orphans have no row here.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS orphan_ends
(
    topic LowCardinality(String), partition Int32, offset Int64, line UInt32, outcome Enum8('joined' = 1, 'expired' = 2)
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset, line);
-- +goose StatementEnd

-- The ids that a batch located or parked: what the next join pass has to look at, found by batch. Rows live as long as a
-- batch can stay open while the aggregator is away.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS join_queue
(
    batch UUID, account LowCardinality(String), message_id String, at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY batch
TTL at + INTERVAL 60 DAY;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS located_to_queue TO join_queue AS SELECT batch, account, message_id FROM located;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS orphans_to_queue TO join_queue AS SELECT DISTINCT batch, account, message_id FROM orphans;
-- +goose StatementEnd

-- Messages stored in more than one bucket: they are copied to home, and the other buckets leave them out.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS splits
(
    account LowCardinality(String), message_id String, bucket DateTime('UTC'), home DateTime('UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (account, bucket, message_id);
-- +goose StatementEnd

-- Messages whose events disagree on submitted_at, in the same bucket or not: GET /v1/status counts them.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS split_messages
(
    account LowCardinality(String), message_id String
)
ENGINE = ReplacingMergeTree
ORDER BY (account, message_id);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
