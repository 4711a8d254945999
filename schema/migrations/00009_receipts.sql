-- What receipts of the field say besides: opens by machines, the latest of several codes, prices by part, what is not billed, messages from customers.

-- +goose Up

-- last_error: milliseconds in 13 digits, then the code, so that the greatest text is the code of the latest failure that carries one. Facts of before have
-- error_code alone, the greatest of their codes. single_delivered_ms: the earliest delivery that names part 1 of 1; whether that is a part is decided by
-- the attempt's parts. billable: bit 0 an event said false, bit 1 one said true.
-- +goose StatementBegin
ALTER TABLE attempts
    ADD COLUMN IF NOT EXISTS machine_ms SimpleAggregateFunction(min, Int64) DEFAULT 9999999999999 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS single_delivered_ms SimpleAggregateFunction(min, Int64) DEFAULT 9999999999999 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS last_error SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS said_country SimpleAggregateFunction(max, LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS billable SimpleAggregateFunction(groupBitOr, UInt8);
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE orphans
    ADD COLUMN IF NOT EXISTS said_country LowCardinality(String), ADD COLUMN IF NOT EXISTS billable UInt8;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS said_country String, ADD COLUMN IF NOT EXISTS billable UInt8;
-- +goose StatementEnd

-- Status 20 is a read or click by a machine (schema.machineOpen). A part is told by the event's part; a price belongs to its part, and its key is the
-- currency, with the part behind a blank where there is one.
-- +goose StatementBegin
ALTER TABLE events_to_attempts MODIFY QUERY
SELECT
    account, bucket, message_id, step,
    if(submitted_ms = 0, 9999999999999, submitted_ms) AS submitted_ms,
    if(id_ms = 0, 9999999999999, id_ms) AS id_ms,
    channel, provider, campaign, template, sender, app, operator, traffic, trigger, recipient_country,
    -- 16 of 32 bits are set; two different recipients set more.
    toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(recipient_country), 65535)), 16) + 65535 - bitAnd(cityHash64(recipient_country), 65535)) AS recipient_mark,
    said_country, contact,
    segments, sms_segments, sms_measure,
    if(status = 1, occurred_ms, 9999999999999) AS queued_ms,
    if(status = 2, occurred_ms, 9999999999999) AS accepted_ms,
    if(status = 3, occurred_ms, 9999999999999) AS sent_ms,
    if(status = 4 AND part = 0, occurred_ms, 9999999999999) AS delivered_ms,
    if(status = 4 AND part = 1 AND parts = 1, occurred_ms, 9999999999999) AS single_delivered_ms,
    if(status = 5, occurred_ms, 9999999999999) AS read_ms,
    if(status = 6, occurred_ms, 9999999999999) AS clicked_ms,
    if(status = 7, occurred_ms, 9999999999999) AS replied_ms,
    if(status = 20, occurred_ms, 9999999999999) AS machine_ms,
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
    if(error_code = '', '', concat(leftPad(toString(occurred_ms), 13, '0'), error_code)) AS last_error, permanent,
    if(currency = '', map(), map(if(part = 0, currency, concat(currency, ' ', toString(part))), price_micros))::Map(String, Int64) AS prices,
    billable
FROM events;
-- +goose StatementEnd

-- +goose StatementBegin
-- lowered: attempts from which a later event took a delivery, which is how fewer of them are told from lost facts.
ALTER TABLE rollup_attempts ADD COLUMN IF NOT EXISTS machine_opened UInt64 AFTER skewed, ADD COLUMN IF NOT EXISTS lowered UInt64 AFTER machine_opened;
-- +goose StatementEnd

-- person: whom the message goes to, whoever its steps address. error_ms: when the failure occurred that carries the code. last_reply_ms: 0 for none.
-- +goose StatementBegin
ALTER TABLE attempts_by_recipient
    ADD COLUMN IF NOT EXISTS person String CODEC(ZSTD(1)) AFTER contact, ADD COLUMN IF NOT EXISTS error_ms Int64 CODEC(ZSTD(1)) AFTER error_code,
    ADD COLUMN IF NOT EXISTS last_reply_ms Int64 CODEC(ZSTD(1)) AFTER read_ms;
-- +goose StatementEnd

-- Every reply of an attempt: a customer's message opens a window each time. Attempts keep the earliest alone, and facts of before know no other.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS replies
(
    account LowCardinality(String), bucket DateTime('UTC') CODEC(ZSTD(1)), message_id String CODEC(ZSTD(1)), step UInt8, replied_ms Int64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, message_id, step, replied_ms);
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS events_to_replies TO replies AS
SELECT account, bucket, message_id, step, occurred_ms AS replied_ms FROM events WHERE status = 7;
-- +goose StatementEnd
-- +goose StatementBegin
INSERT INTO replies SELECT account, bucket, message_id, step, replied_ms FROM attempts WHERE replied_ms < 9999999999999
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0;
-- +goose StatementEnd

-- A dialog keeps every reply of its attempt. What was published before is computed anew.
-- +goose StatementBegin
ALTER TABLE dialogs ADD COLUMN IF NOT EXISTS replies_ms Array(Int64) CODEC(ZSTD(1)) AFTER delivered_ms;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs_by_person ADD COLUMN IF NOT EXISTS replies_ms Array(Int64) CODEC(ZSTD(1)) AFTER delivered_ms;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs_to_person MODIFY QUERY
SELECT account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms, replies_ms, conversation, outside FROM dialogs;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs DROP COLUMN IF EXISTS replied_ms;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE dialogs_by_person DROP COLUMN IF EXISTS replied_ms;
-- +goose StatementEnd

-- Attempts whose events name different recipients: somebody uses one id for several people. GET /v1/status counts them.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS shared_attempts
(
    account LowCardinality(String), message_id String, step UInt8
)
ENGINE = ReplacingMergeTree
ORDER BY (account, message_id, step);
-- +goose StatementEnd

-- The queue also tells of people about whom something was said that moves figures of their messages; event is its status, '' for a number that somebody asks for.
-- +goose StatementBegin
ALTER TABLE number_queue ADD COLUMN IF NOT EXISTS event LowCardinality(String) AFTER number;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE lookups_to_number_queue MODIFY QUERY
SELECT batch, account, recipient AS number, status AS event FROM recipient_events
WHERE (status = 'lookup' AND (startsWith(recipient, '+') OR startsWith(recipient, 'email:'))) OR status IN ('inbound', 'subscribed', 'unsubscribed', 'blocked', 'complained');
-- +goose StatementEnd

-- Which attempt each unsubscribed, blocked and complained event is attributed to (docs/definitions.md section 3), with what reports cut by; of an event the
-- greatest generation counts. named: the message_id that the event names, '' where its address decides. found: there is such an attempt.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS opt_outs
(
    account LowCardinality(String), recipient String CODEC(ZSTD(1)), status LowCardinality(String), event_channel LowCardinality(String),
    event_app LowCardinality(String), occurred_ms Int64, named String, generation UInt64, found Bool,
    message_id String, cohort_ms Int64, channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String),
    template LowCardinality(String), sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String),
    country LowCardinality(String), traffic LowCardinality(String), step UInt8, trigger LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY (account, recipient, status, event_channel, event_app, occurred_ms, named, generation);
-- +goose StatementEnd
-- Messages that such an event names: they are looked for when a message changes.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS named_messages
(
    account LowCardinality(String), message_id String
)
ENGINE = ReplacingMergeTree
ORDER BY (account, message_id);
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS recipient_events_to_named TO named_messages AS
SELECT account, message_id FROM recipient_events WHERE status IN ('unsubscribed', 'blocked', 'complained') AND message_id != '';
-- +goose StatementEnd
-- +goose StatementBegin
INSERT INTO named_messages SELECT DISTINCT account, message_id FROM recipient_events
WHERE status IN ('unsubscribed', 'blocked', 'complained') AND message_id != '' SETTINGS insert_deduplicate = 0;
-- +goose StatementEnd
-- The accounts from which anybody ever opted out.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS opt_out_accounts (account LowCardinality(String)) ENGINE = ReplacingMergeTree ORDER BY account;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS recipient_events_to_opt_out_accounts TO opt_out_accounts AS
SELECT DISTINCT account FROM recipient_events WHERE status IN ('unsubscribed', 'blocked', 'complained');
-- +goose StatementEnd
-- +goose StatementBegin
INSERT INTO opt_out_accounts SELECT DISTINCT account FROM recipient_events WHERE status IN ('unsubscribed', 'blocked', 'complained')
SETTINGS insert_deduplicate = 0;
-- +goose StatementEnd
-- guessed: how many of the streak's failures have a guessed class. reachable_*: other channels on which the recipient was delivered to since the streak began.
-- opt_*: what the recipient has opted out of. Both tables have the same columns in the same order.
-- +goose StatementBegin
ALTER TABLE number_health
    ADD COLUMN IF NOT EXISTS guessed UInt32 AFTER dead_rules,
    ADD COLUMN IF NOT EXISTS reachable_channels Array(LowCardinality(String)) AFTER guessed,
    ADD COLUMN IF NOT EXISTS reachable_ms Array(Int64) AFTER reachable_channels,
    ADD COLUMN IF NOT EXISTS opt_channels Array(LowCardinality(String)) AFTER reachable_ms,
    ADD COLUMN IF NOT EXISTS opt_apps Array(LowCardinality(String)) AFTER opt_channels,
    ADD COLUMN IF NOT EXISTS opt_senders Array(LowCardinality(String)) AFTER opt_apps,
    ADD COLUMN IF NOT EXISTS opt_kinds Array(LowCardinality(String)) AFTER opt_senders,
    ADD COLUMN IF NOT EXISTS opt_since_ms Array(Int64) AFTER opt_kinds;
-- +goose StatementEnd
-- +goose StatementBegin
ALTER TABLE number_health_before
    ADD COLUMN IF NOT EXISTS guessed UInt32 AFTER dead_rules,
    ADD COLUMN IF NOT EXISTS reachable_channels Array(LowCardinality(String)) AFTER guessed,
    ADD COLUMN IF NOT EXISTS reachable_ms Array(Int64) AFTER reachable_channels,
    ADD COLUMN IF NOT EXISTS opt_channels Array(LowCardinality(String)) AFTER reachable_ms,
    ADD COLUMN IF NOT EXISTS opt_apps Array(LowCardinality(String)) AFTER opt_channels,
    ADD COLUMN IF NOT EXISTS opt_senders Array(LowCardinality(String)) AFTER opt_apps,
    ADD COLUMN IF NOT EXISTS opt_kinds Array(LowCardinality(String)) AFTER opt_senders,
    ADD COLUMN IF NOT EXISTS opt_since_ms Array(Int64) AFTER opt_kinds;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
