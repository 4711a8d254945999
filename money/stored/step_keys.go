package stored

import (
	"context"
	_ "embed"
	"errors"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
)

//go:embed sql/step_keys.sql
var stepKeysSQL string

// ReadStepKeys returns what table legs knows of ids of accounts, and of others maybe: all that their price depends on
// but what came of an attempt. An id that it does not know is left out.
func ReadStepKeys(ctx context.Context, conn driver.Conn, wanted IDs) (of map[string]map[uint64]money.Step, err error) {
	rows, err := wanted.query(ctx, conn, stepKeysSQL)
	if rows == nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	of = make(map[string]map[uint64]money.Step, len(wanted))
	for rows.Next() {
		var id uint64
		var step money.Step
		var account, currencies string
		if err := rows.Scan(&account, &id, &step.Channel, &step.Provider, &step.Operator, &step.Country, &step.Traffic,
			&step.Sender, &step.App, &step.Trigger, &currencies); err != nil {
			return nil, err
		}
		if currencies != "" {
			step.ReportedIn = strings.Split(currencies, ",")
		}
		if of[account] == nil {
			of[account] = make(map[uint64]money.Step, len(wanted[account]))
		}
		of[account][id] = step
	}
	return of, rows.Err()
}
