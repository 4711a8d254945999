package prices

import (
	"context"
	_ "embed"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/money"
	"kaskad/query/store"
)

//go:embed sql/legs.sql
var legsSQL string

// ReadLegs returns what table legs knows of some ids of an account: all that their price depends on but what came of
// an attempt. An id that it does not know is left out.
func ReadLegs(ctx context.Context, db *store.DB, account string, ids []uint64) (legs map[uint64]money.Leg, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	wanted, err := store.WithWanted(db.Settings(ctx), ids)
	if err != nil {
		return nil, err
	}
	rows, err := db.Conn.Query(wanted, legsSQL, clickhouse.Named("account", account))
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	legs = make(map[uint64]money.Leg, len(ids))
	for rows.Next() {
		var id uint64
		var leg money.Leg
		var currencies string
		if err := rows.Scan(&id, &leg.Channel, &leg.Provider, &leg.Operator, &leg.Country, &leg.Traffic, &leg.Sender,
			&leg.App, &leg.Trigger, &currencies); err != nil {
			return nil, err
		}
		if currencies != "" {
			leg.ReportedIn = strings.Split(currencies, ",")
		}
		legs[id] = leg
	}
	return legs, rows.Err()
}
