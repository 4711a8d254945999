-- What attempts cost, each by itself: the report by which an invoice is checked (docs/definitions.md section 4).

-- +goose Up

-- Counts of attempted steps. leg, code and shape as in table shapes; a shape and a step in it decide leg and code. computed_segments: sms_segments of a sent SMS
-- that carries segments too, else 0. Whether the message is priced depends on its shape, and on the segments of its template where no step says any:
-- message_segments is the greatest sms_segments of its attempted steps, message_template is '' where there are some. reported: prices by currency.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_spend
(
    account LowCardinality(String), bucket DateTime('UTC'), generation UInt64, cohort DateTime('UTC'), campaign LowCardinality(String),
    template LowCardinality(String), step UInt8, leg UInt64, code UInt32, computed_segments UInt16, shape UInt64, message_segments UInt16,
    message_template LowCardinality(String), reported Map(LowCardinality(String), Int128), attempts UInt64, cohort_max_ms Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (account, bucket, generation, cohort, campaign, template, shape, step);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
