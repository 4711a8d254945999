package numbers

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema"
)

//go:embed sql/dead_count.sql
var deadCountSQL string

var deadCountTemplate = report.Template("dead_count.sql", deadCountSQL)

// maxDeadCounts is of how many sets of accounts the dead are remembered.
const maxDeadCounts = 10_000

// deadCounts remembers how many are dead, as of a version of the verdicts. It is safe for concurrent use.
type deadCounts struct {
	mu      sync.Mutex
	version uint64
	of      map[string]Dead
}

// Dead is how many dead numbers and addresses there are.
type Dead struct{ Phones, Emails uint64 }

// CountDead counts the rows of GET /v1/numbers/dead of the accounts, nil for all.
func (n *Numbers) CountDead(ctx context.Context, accounts []string) (d Dead, err error) {
	var version uint64
	if err := n.db.Conn.QueryRow(n.db.SmallSettings(ctx), versionSQL).Scan(&version); err != nil {
		return d, fmt.Errorf("read version of verdicts: %w", err)
	}
	key := string(answer.QueryHash(append([]string{fmt.Sprint(accounts == nil)},
		slices.Sorted(slices.Values(accounts))...)...))
	n.counts.mu.Lock()
	known := n.counts.version == version && n.counts.of != nil
	if known {
		d, known = n.counts.of[key]
	}
	n.counts.mu.Unlock()
	if known {
		return d, nil
	}
	args := []any{clickhouse.Named("emails", schema.KindPrefix(schema.KindEmail))}
	if accounts != nil {
		args = append(args, clickhouse.Named("accounts", accounts))
	}
	statement, err := store.Fill(deadCountTemplate, map[string]bool{"Accounts": accounts != nil})
	if err != nil {
		return d, err
	}
	if err := n.db.Conn.QueryRow(n.db.Settings(ctx), statement, args...).Scan(&d.Phones, &d.Emails); err != nil {
		return d, fmt.Errorf("count dead numbers: %w", err)
	}
	n.counts.mu.Lock()
	defer n.counts.mu.Unlock()
	if n.counts.version != version || n.counts.of == nil || len(n.counts.of) >= maxDeadCounts {
		n.counts.version, n.counts.of = version, map[string]Dead{}
	}
	n.counts.of[key] = d
	return d, nil
}
