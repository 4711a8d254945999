package keys

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

var (
	//go:embed sql/views.sql
	viewsSQL string
	//go:embed sql/views_put.sql
	viewsPutSQL string
	//go:embed sql/views_own.sql
	viewsOwnSQL string
	//go:embed sql/views_withdraw.sql
	viewsWithdrawSQL string
	//go:embed sql/views_prune.sql
	viewsPruneSQL string
	//go:embed sql/views_forget.sql
	viewsForgetSQL string
)

// Owner is whose views are meant: a key of an account. Account is "" where the key is of all accounts, and both are ""
// where no key is asked for.
type Owner struct{ Account, KeyID string }

func (o Owner) args() []any {
	return []any{clickhouse.Named("account", o.Account), clickhouse.Named("key_id", o.KeyID)}
}

// Views are the saved views of a key, as JSON. Version 0 says that none were put.
type Views struct {
	Version uint64
	AtMS    int64
	Body    []byte
}

// ReadViews returns the newest views of a key.
func ReadViews(ctx context.Context, conn driver.Conn, of Owner) (v Views, err error) {
	var body string
	err = conn.QueryRow(ctx, viewsSQL, of.args()...).Scan(&v.Version, &v.AtMS, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return Views{}, nil
	}
	if err != nil {
		return Views{}, fmt.Errorf("read views: %w", err)
	}
	v.Body = []byte(body)
	return v, nil
}

// StoreViews replaces the views of a key as a whole, and returns their new version. Where ifVersion is not the newest
// one any more it returns schema.ErrVersionChanged, and nothing is stored.
func StoreViews(ctx context.Context, conn driver.Conn, of Owner, body []byte, atMS, ifVersion int64) (uint64, error) {
	statements := schema.Versioned{Put: viewsPutSQL, Own: viewsOwnSQL, Withdraw: viewsWithdrawSQL}
	version, err := statements.Store(ctx, conn, ifVersion, of.args(),
		[]any{clickhouse.Named("at_ms", atMS), clickhouse.Named("views", string(body))})
	if err != nil {
		return 0, fmt.Errorf("store views: %w", err)
	}
	// Older ones go when the new ones are known to be stored, for what another writer takes back must not be all there
	// is. If that fails, the next ones take the older ones along.
	_ = conn.Exec(ctx, viewsPruneSQL, append(of.args(), clickhouse.Named("version", version))...)
	return version, nil
}

// forgetViews deletes all views of a key.
func forgetViews(ctx context.Context, conn driver.Conn, of Owner) error {
	if err := conn.Exec(ctx, viewsForgetSQL, of.args()...); err != nil {
		return fmt.Errorf("forget views: %w", err)
	}
	return nil
}
