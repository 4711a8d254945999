-- What a pass works with, in memory: the folded attempts of its buckets (or of a slice of them), their messages of
-- several attempts, and the delivered attempts of channels with conversations. Each aggregator has tables of its own,
-- so that two can't mix.
CREATE TABLE {folded:Identifier}
(
    account LowCardinality(String), bucket DateTime('UTC'), message_id String, step UInt8,
    -- multi: the message may have other attempts, so what belongs to the message stands in heads.
    multi Bool, submitted_ms Int64, id_ms Int64,
    channel LowCardinality(String), provider LowCardinality(String), campaign LowCardinality(String),
    template LowCardinality(String),
    sender LowCardinality(String), app LowCardinality(String), operator LowCardinality(String), country String,
    traffic LowCardinality(String), trigger LowCardinality(String), currencies String,
    sms_segments UInt16, sms_measure UInt32, prices Map(String, Int64),
    sent_at_ms Int64, queued_ms Int64, delivered_at_ms Int64, read_at_ms Int64, clicked_ms Int64, replied_ms Int64,
    is_sent Bool, is_delivered Bool, is_read Bool, is_machine_opened Bool, is_failed Bool, is_skipped Bool,
    is_not_billed Bool, is_lowered Bool,
    -- As in tables legs and shapes.
    leg UInt64, code UInt32,
    recipient String, contact String, readdressed Bool,
    error_code LowCardinality(String), error_ms Int64, permanent Bool, is_expired Bool
)
ENGINE = Memory;

CREATE TABLE {heads:Identifier}
(
    account LowCardinality(String), bucket DateTime('UTC'), message_id String, cohort_ms Int64,
    campaign LowCardinality(String),
    template LowCardinality(String), sms_segments UInt16, sms_measure UInt32, prices Map(String, Int64),
    attempted UInt8, person String,
    shape UInt64
)
ENGINE = Memory;

CREATE TABLE {dialog_rows:Identifier}
(
    account LowCardinality(String), channel LowCardinality(String), sender LowCardinality(String), recipient String,
    bucket DateTime('UTC'), message_id String, step UInt8, delivered_ms Int64, replies_ms Array(Int64), located Bool
)
ENGINE = Memory;

-- People whose opt-outs may have to be attributed anew.
CREATE TABLE {addresses:Identifier} (account LowCardinality(String), recipient String) ENGINE = Memory;

-- One row for as long as these tables have lived: ClickHouse forgets what is in memory when it starts again, and a pass
-- must notice.
CREATE TABLE {marker:Identifier} (alive Bool) ENGINE = Memory;

INSERT INTO {marker:Identifier} VALUES (true)
