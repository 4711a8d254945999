-- What passes between ingest, aggregate and query.

-- +goose Up

-- Buckets whose figures have to be computed anew. Ingest adds a row with sign 1 under a random id after the facts are
-- acknowledged; the aggregator adds the same row with sign -1 when the generation that includes them is published. A pair merges away.
-- A row with account '' and bucket 0 stands for a batch of ids to join (join_queue) instead.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS touched
(
    account LowCardinality(String), bucket DateTime('UTC'), id UUID, at_ms Int64, sign Int8
)
ENGINE = CollapsingMergeTree(sign)
ORDER BY (account, bucket, id);
-- +goose StatementEnd

-- Which generation of a bucket reports read: the greatest one here. One insert of one block publishes any number of buckets at once.
-- due_ms: when a window of an attempt (1 minute, 24 hours) ends, so that figures change by time alone.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS generations
(
    account LowCardinality(String), bucket DateTime('UTC'), generation UInt64, cohort_min_ms Int64, cohort_max_ms Int64,
    due_ms Int64, messages UInt64
)
ENGINE = MergeTree
ORDER BY (account, bucket, generation);
-- +goose StatementEnd

-- Counts are quantities: rates, money and routes are applied when a report is read. A cell is a cohort quarter hour and all
-- dimensions. Histograms map a latency cell to its attempts (schema.LatencyCell).
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_attempts
(
    account LowCardinality(String), bucket DateTime('UTC'), generation UInt64, cohort DateTime('UTC'),
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String), template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String), country LowCardinality(String),
    traffic LowCardinality(String), step UInt8, trigger LowCardinality(String),
    attempted UInt64, sent UInt64, delivered UInt64, read UInt64, clicked UInt64, replied UInt64, failed UInt64, pending UInt64,
    skipped UInt64, skewed UInt64,
    delivered_1m_num UInt64, delivered_1m_den UInt64, delivered_24h_num UInt64, delivered_24h_den UInt64,
    read_24h_num UInt64, read_24h_den UInt64,
    to_deliver Map(UInt16, UInt64), to_read Map(UInt16, UInt64), to_reply Map(UInt16, UInt64),
    cohort_min_ms Int64, cohort_max_ms Int64, due_ms Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, generation, cohort, channel, provider);
-- +goose StatementEnd

-- The aggregator's sign of life and its answer to "how fresh are the reports". owner: only one aggregator works at a time;
-- leaving: it ended in good order and the next one need not wait.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS freshness
(
    owner UUID, as_of_ms Int64, pending_buckets UInt64, leaving Bool, at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY at
TTL toDateTime(at) + INTERVAL 1 DAY;
-- +goose StatementEnd

-- Counts of events by partition up to (not including) an offset: a function of the log, whoever read it and however often. A worker
-- that resumes before that offset stores what it reads but does not count it again.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS ledger
(
    consumer_group LowCardinality(String), topic LowCardinality(String), partition Int32, offset Int64,
    consumed UInt64, stored UInt64, rejected UInt64, parked UInt64, empty UInt64, at_us UInt64
)
ENGINE = ReplacingMergeTree(at_us)
ORDER BY (consumer_group, topic, partition);
-- +goose StatementEnd

-- Dead letters with their original bytes, for 30 days. Their place in the log is their identity: read again, none is added.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rejected
(
    topic LowCardinality(String), partition Int32, offset Int64, line UInt32, reason LowCardinality(String), field LowCardinality(String),
    error String, raw String CODEC(ZSTD(3)), at_ms Int64, inserted DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset, line)
TTL inserted + INTERVAL 30 DAY;
-- +goose StatementEnd

-- Dead letters that were sent through again.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS replayed
(
    topic LowCardinality(String), partition Int32, offset Int64, line UInt32, at_ms Int64, inserted DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset, line)
TTL inserted + INTERVAL 60 DAY;
-- +goose StatementEnd

-- What a route can report (docs/definitions.md section 2): data, so that a new provider needs no new program. account '' is everybody;
-- provider '*' is any other provider, or none. The highest version of a line counts; a line of the account wins over everybody's.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS routes
(
    account String, channel String, provider String, delivery UInt8, reads UInt8,
    bound Enum8('none' = 0, 'exact' = 1, 'lower' = 2, 'upper' = 3), settling_days UInt16, version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (account, channel, provider);
-- +goose StatementEnd

-- +goose StatementBegin
INSERT INTO routes
SELECT '', channel, provider, delivery, reads, bound, settling_days, 1
FROM values('channel String, provider String, delivery UInt8, reads UInt8, bound String, settling_days UInt16',
    ('sms', '*', 1, 0, 'none', 3), ('flash_call', '*', 1, 0, 'none', 1), ('voice', '*', 1, 0, 'none', 1),
    ('push', '*', 1, 1, 'exact', 1), ('push', 'fcm', 0, 0, 'none', 1), ('push', 'apns', 0, 0, 'none', 1),
    ('vk', '*', 1, 1, 'exact', 1), ('ok', '*', 1, 1, 'exact', 1),
    ('telegram', '*', 1, 1, 'exact', 1), ('telegram', 'bot', 0, 0, 'none', 1),
    ('messenger', '*', 1, 1, 'exact', 7), ('instagram', '*', 1, 1, 'exact', 7),
    ('viber', '*', 1, 1, 'lower', 14), ('whatsapp', '*', 1, 1, 'lower', 30), ('rcs', '*', 1, 1, 'lower', 7),
    ('email', '*', 1, 1, 'upper', 7))
WHERE (SELECT count() FROM routes) = 0;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
