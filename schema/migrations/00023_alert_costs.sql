-- Alerts on money.

-- +goose Up

-- Of metric cost_per_reached: what the day's messages cost, what reaching somebody did cost before and does now, and
-- from where to where the past explains it, in micro-units of currency. '' and 0 of all other metrics; before, now, low
-- and high are NaN of this one, and num is 0.
-- +goose StatementBegin
ALTER TABLE alert_events
    ADD COLUMN IF NOT EXISTS currency LowCardinality(String), ADD COLUMN IF NOT EXISTS cost Int64,
    ADD COLUMN IF NOT EXISTS cost_before Int64, ADD COLUMN IF NOT EXISTS cost_now Int64,
    ADD COLUMN IF NOT EXISTS cost_low Int64, ADD COLUMN IF NOT EXISTS cost_high Int64;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
