package prices

import (
	"context"
	_ "embed"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/money"
	"kaskad/query/store"
)

//go:embed sql/step_keys.sql
var stepKeysSQL string

// ReadStepKeys returns what table legs knows of some ids of an account: all that their price depends on but what came
// of an attempt. An id that it does not know is left out.
func ReadStepKeys(ctx context.Context, db *store.DB, account string, ids []uint64) (steps map[uint64]money.Step,
	err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	wanted, err := store.WithWanted(db.Settings(ctx), ids)
	if err != nil {
		return nil, err
	}
	rows, err := db.Conn.Query(wanted, stepKeysSQL, clickhouse.Named("account", account))
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	steps = make(map[uint64]money.Step, len(ids))
	for rows.Next() {
		var id uint64
		var step money.Step
		var currencies string
		if err := rows.Scan(&id, &step.Channel, &step.Provider, &step.Operator, &step.Country, &step.Traffic,
			&step.Sender,
			&step.App, &step.Trigger, &currencies); err != nil {
			return nil, err
		}
		if currencies != "" {
			step.ReportedIn = strings.Split(currencies, ",")
		}
		steps[id] = step
	}
	return steps, rows.Err()
}
