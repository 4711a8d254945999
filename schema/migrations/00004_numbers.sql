-- Number health, and what penetration, the audience of apps and dead-number lists are answered from: attempts once more, found by recipient.

-- +goose Up

-- Tells attempts whose events name more than one recipient: only the greatest is the attempt's, and what was noted under another one is taken back.
-- +goose StatementBegin
ALTER TABLE attempts ADD COLUMN IF NOT EXISTS recipient_mark SimpleAggregateFunction(groupBitOr, UInt32) CODEC(ZSTD(1)) AFTER recipient_country;
-- +goose StatementEnd
-- Attempts of before get their mark while ClickHouse has time.
-- +goose StatementBegin
ALTER TABLE attempts UPDATE recipient_mark =
    toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(recipient_country), 65535)), 16) + 65535 - bitAnd(cityHash64(recipient_country), 65535))
WHERE recipient_mark = 0;
-- +goose StatementEnd
-- Which insert an event came by: the id of the touches that announce it.
-- +goose StatementBegin
ALTER TABLE events ADD COLUMN IF NOT EXISTS batch UUID;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE events_to_attempts MODIFY QUERY
SELECT
    account, bucket, message_id, step,
    if(submitted_ms = 0, 9999999999999, submitted_ms) AS submitted_ms,
    if(id_ms = 0, 9999999999999, id_ms) AS id_ms,
    channel, provider, campaign, template, sender, app, operator, traffic, trigger, recipient_country,
    -- 16 of 32 bits are set; two different recipients set more.
    toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(recipient_country), 65535)), 16) + 65535 - bitAnd(cityHash64(recipient_country), 65535)) AS recipient_mark,
    contact,
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
-- +goose StatementBegin
ALTER TABLE recipient_events ADD COLUMN IF NOT EXISTS batch UUID;
-- +goose StatementEnd

-- Whose facts a batch changed: messages of a bucket by cityHash64(message_id), 0 for all of them, or (bucket 0) a number, '' for all of the account's.
-- Rows are removed when their batch's touches are closed, and at the latest when a batch can't be open any more.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS number_queue
(
    batch UUID, account LowCardinality(String), bucket DateTime('UTC'), message UInt64 CODEC(ZSTD(1)), number String CODEC(ZSTD(1)),
    at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY batch
TTL at + INTERVAL 60 DAY;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS events_to_number_queue TO number_queue AS
SELECT batch, account, bucket, cityHash64(message_id) AS message FROM events;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS lookups_to_number_queue TO number_queue AS
SELECT batch, account, recipient AS number FROM recipient_events WHERE status = 'lookup' AND startsWith(recipient, '+');
-- +goose StatementEnd

-- The folded attempts of messages whose cohort is known, by recipient: written by the aggregator for messages that changed, the greatest generation counts.
-- gone: the attempt is not this recipient's, or not in this bucket, any more. code: bit 0 sent, 1 delivered, 2 read, 3 failed, 6 skipped, bits 8 to 23
-- segments. Times are Unix milliseconds, 9999999999999 for unknown. sms_segments, message_cohort: of the message. expired: that status was seen.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS attempts_by_recipient
(
    account LowCardinality(String), recipient String CODEC(ZSTD(1)), bucket DateTime('UTC') CODEC(ZSTD(1)), message_id String CODEC(ZSTD(1)), step UInt8,
    generation UInt64 CODEC(ZSTD(1)), gone UInt8, cohort_ms Int64 CODEC(ZSTD(1)),
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String), template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String), country LowCardinality(String),
    traffic LowCardinality(String), trigger LowCardinality(String), contact String CODEC(ZSTD(1)),
    start_ms Int64 CODEC(ZSTD(1)), delivered_ms Int64 CODEC(ZSTD(1)), read_ms Int64 CODEC(ZSTD(1)),
    code UInt32 CODEC(ZSTD(1)), leg UInt64 CODEC(ZSTD(1)), sms_segments UInt16,
    error_code LowCardinality(String), permanent UInt8, expired UInt8
)
ENGINE = ReplacingMergeTree(generation, gone)
ORDER BY (account, recipient, bucket, message_id, step)
-- A number is read by itself; a smaller granule lets it read less besides.
SETTINGS index_granularity = 1024, min_age_to_force_merge_seconds = 86400;
-- +goose StatementEnd

-- Numbers whose verdict has to be decided anew, by the generation that found it so; number '' stands for all of the account's.
-- Rows up to the greatest generation of numbers_done are answered.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS numbers_touched
(
    generation UInt64, account LowCardinality(String), number String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (generation, account, number);
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS numbers_done
(
    one UInt8, generation UInt64, as_of_ms Int64
)
ENGINE = ReplacingMergeTree(generation)
ORDER BY one;
-- +goose StatementEnd

-- The verdict on each number with its evidence (docs/definitions.md section 5); the greatest version counts. Times are Unix milliseconds, 0 for none.
-- streak_*: the attempts of the streak, for pricing (leg and code as in table shapes). due_ms: when the verdict changes next by time alone.
-- dead_*: the spans in which the number was dead, as the evidence has them now; an open one ends at 9999999999999.
-- ported, valid: -1 unknown, as the last lookup said. override: the state that somebody set, '' for none.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS number_health
(
    account LowCardinality(String), number String CODEC(ZSTD(1)), version UInt64 CODEC(ZSTD(1)),
    state LowCardinality(String), rule LowCardinality(String), since_ms Int64 CODEC(ZSTD(1)),
    rule_version UInt64, map_version UInt64, reasons Map(LowCardinality(String), UInt32),
    failed_mailings UInt32, failed_days UInt32,
    first_failed_ms Int64 CODEC(ZSTD(1)), last_failed_ms Int64 CODEC(ZSTD(1)), last_delivered_ms Int64 CODEC(ZSTD(1)),
    streak_legs Array(UInt64), streak_codes Array(UInt32), streak_sms_segments Array(UInt16), streak_cohorts_ms Array(Int64),
    possible_reassignment Bool,
    looked_up_ms Int64 CODEC(ZSTD(1)), operator LowCardinality(String), ported Int8, valid Int8, owner_changed_ms Int64 CODEC(ZSTD(1)),
    override LowCardinality(String), why String CODEC(ZSTD(1)),
    changed_ms Int64 CODEC(ZSTD(1)), due_ms Int64 CODEC(ZSTD(1)),
    dead_from_ms Array(Int64), dead_to_ms Array(Int64), dead_rules Array(LowCardinality(String)),
    -- Of all but account, number and version.
    fingerprint UInt64,
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (account, number)
SETTINGS index_granularity = 1024;
-- +goose StatementEnd

-- Verdicts that were replaced lately, so that a list that is being paged through stays as it was. Written before number_health is.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS number_health_before AS number_health
ENGINE = MergeTree
ORDER BY (account, number, version);
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE number_health_before ADD COLUMN IF NOT EXISTS replaced DateTime DEFAULT now();
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE number_health_before MODIFY TTL replaced + INTERVAL 1 HOUR;
-- +goose StatementEnd

-- The feed of verdicts, append-only. One writer gives seq, which only grows; rows become visible in its order. at_ms: when the verdict changed by
-- the evidence; seen_ms: when that was found.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS number_changes
(
    account LowCardinality(String), seq UInt64, number String CODEC(ZSTD(1)), `from` LowCardinality(String), `to` LowCardinality(String),
    at_ms Int64 CODEC(ZSTD(1)), rule LowCardinality(String), seen_ms Int64 CODEC(ZSTD(1)),
    INDEX by_seq seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (account, seq);
-- +goose StatementEnd

-- Verdicts that somebody set by hand; the greatest version counts, state '' takes it back. All stay: they tell when a number was dead by hand.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS number_overrides
(
    account LowCardinality(String), number String, version UInt64, state LowCardinality(String), why String, `by` String, at_ms Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (account, number, version);
-- +goose StatementEnd

-- Failed attempts by error code. Which class a code means is applied at reading, so that a corrected error map corrects the past.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_failures
(
    account LowCardinality(String), bucket DateTime('UTC'), generation UInt64, cohort DateTime('UTC'),
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String), template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String), country LowCardinality(String),
    traffic LowCardinality(String), step UInt8, trigger LowCardinality(String),
    error_code LowCardinality(String), permanent UInt8, expired UInt8, failed UInt64, cohort_max_ms Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, generation, cohort, channel, provider);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
