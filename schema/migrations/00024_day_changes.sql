-- What it costs to learn what editions changed.

-- +goose Up

-- Requests ask what later editions than the last that they saw changed, of all accounts and days: those are in the newest
-- parts.
-- +goose StatementBegin
ALTER TABLE day_changes ADD INDEX IF NOT EXISTS by_edition edition TYPE minmax GRANULARITY 1;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
