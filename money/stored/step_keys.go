package stored

import (
	"context"
	_ "embed"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
)

//go:embed sql/step_keys.sql
var stepKeysSQL string

// ReadStepKeys returns what table legs knows of some ids of an account: all that their price depends on but what came
// of an attempt. An id that it does not know is left out.
func ReadStepKeys(ctx context.Context, conn driver.Conn, account string, ids []uint64) (steps map[uint64]money.Step,
	err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	wanted, err := withWanted(ctx, ids)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(wanted, stepKeysSQL, clickhouse.Named("account", account))
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	steps = make(map[uint64]money.Step, len(ids))
	for rows.Next() {
		var id uint64
		var step money.Step
		var currencies string
		if err := rows.Scan(&id, &step.Channel, &step.Provider, &step.Operator, &step.Country, &step.Traffic,
			&step.Sender, &step.App, &step.Trigger, &currencies); err != nil {
			return nil, err
		}
		if currencies != "" {
			step.ReportedIn = strings.Split(currencies, ",")
		}
		steps[id] = step
	}
	return steps, rows.Err()
}
