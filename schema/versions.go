package schema

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// ErrVersionChanged says that something was to replace a version which is not the newest any more.
var ErrVersionChanged = errors.New("it has been replaced meanwhile")

// AnyVersion is for what replaces whatever version is the newest.
const AnyVersion = -1

// Versioned are the statements of a table that keeps what is put in versions. All of them know the row by {id:UUID}.
type Versioned struct {
	// Put stores the row under the next version, unless {if_version:Int64} is 0 or more and not the newest.
	Put string
	// Own reads the row's version, and 1 where another row has the same, else 0.
	Own string
	// Withdraw takes the row back.
	Withdraw string
}

// Store puts a row and returns its version. Where the newest version is not ifVersion it returns ErrVersionChanged, and
// nothing is stored; with AnyVersion that does not matter. After another error the row may be stored or not. keys are
// the arguments of all statements, and fields those of Put alone.
//
// ClickHouse knows no unique keys, so two writers may be given one number. Of two that insert and then look, at least
// one sees the other; whoever sees another takes its row back and tries again. So a number that was returned is one
// row's alone. (A writer that dies between the two steps leaves a row that nobody was told of; reads take the greatest
// id of such a pair.)
func (v Versioned) Store(ctx context.Context, conn driver.Conn, ifVersion int64, keys, fields []any) (uint64, error) {
	inserting := clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings))
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		own := slices.Concat(keys, []any{clickhouse.Named("id", uuid.NewString())})
		put := slices.Concat(own, fields, []any{clickhouse.Named("if_version", ifVersion)})
		if err := conn.Exec(inserting, v.Put, put...); err != nil {
			return 0, err
		}
		version, tie, found, err := v.own(ctx, conn, own)
		switch {
		case err != nil:
			return 0, fmt.Errorf("read the version: %w", err)
		case !found && ifVersion >= 0:
			return 0, ErrVersionChanged
		case !found:
			return 0, errors.New("the row that was stored cannot be read; is this a replica that lags behind?")
		case !tie:
			return version, nil
		}
		if err := v.withdraw(ctx, conn, own); err != nil {
			return 0, fmt.Errorf("take back a version that another writer was given too: %w", err)
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("other writers came first all the time: %w", ctx.Err())
		case <-time.After(rand.N(wait)):
		}
	}
}

// withdraw takes the row back until it is gone. Of several deletes that change a part at the same time ClickHouse 26.7
// now and then loses one and says that it is done.
func (v Versioned) withdraw(ctx context.Context, conn driver.Conn, own []any) error {
	for found := true; found; {
		if err := conn.Exec(ctx, v.Withdraw, own...); err != nil {
			return err
		}
		var err error
		if _, _, found, err = v.own(ctx, conn, own); err != nil {
			return err
		}
	}
	return nil
}

func (v Versioned) own(ctx context.Context, conn driver.Conn, args []any) (version uint64, tie, found bool,
	err error) {
	rows, err := conn.Query(ctx, v.Own, args...)
	if err != nil {
		return 0, false, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var ties uint8
		if err := rows.Scan(&version, &ties); err != nil {
			return 0, false, false, err
		}
		found, tie = true, ties == 1
	}
	return version, tie, found, rows.Err()
}
