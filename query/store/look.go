package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// look is what the tables were made of when somebody looked: numbers that differ once anything in them does.
type look struct {
	// known is false where ClickHouse does not tell, because its user may not read system.parts.
	known                                bool
	editions, days, optOuts, lists, lost uint64
}

// accessDenied is ClickHouse's code of that error.
const accessDenied = 497

// look looks at what tables are made of.
func (d *DB) look(ctx context.Context) (l look, err error) {
	of := map[string]*uint64{"editions": &l.editions, "day_changes": &l.days, "builds": &l.days,
		"opt_outs": &l.optOuts, "reference": &l.lists, "routes": &l.lists, "lost_hours": &l.lost}
	err = schema.EachRow(d.SmallSettings(ctx), d.Conn, "look for changes", stateStatement("look"),
		func(rows driver.Rows) error {
			var table string
			var part uint64
			if err := rows.Scan(&table, &part); err != nil {
				return err
			}
			*of[table] ^= part
			l.known = l.known || table == "routes" // Channels are in it since the tables were made.
			return nil
		})
	if refused(err) {
		return look{}, nil
	}
	return l, err
}
