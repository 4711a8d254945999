package schema

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

//go:embed sql/reference_put.sql
var referencePutSQL string

//go:embed sql/reference_own.sql
var referenceOwnSQL string

//go:embed sql/reference_withdraw.sql
var referenceWithdrawSQL string

//go:embed sql/reference_read.sql
var referenceReadSQL string

//go:embed sql/reference_history.sql
var referenceHistorySQL string

// The kinds of reference data, as the table stores them.
const (
	ReferenceTariffs     = "tariffs"
	ReferenceTemplates   = "templates"
	ReferenceErrorMap    = "error_map"
	ReferenceNumberRules = "number_rules"
)

// Reference is one version of an account's list of reference data: tariffs, templates and so on. Every version stays.
type Reference struct {
	Account string
	// Version counts over all accounts of a kind, so that a change of any list is a new version of them all. 0 means
	// that none was put.
	Version uint64
	// ID is the row's own: two writers may be given one version, until one of them takes its row back. It is zero in a
	// history.
	ID   uuid.UUID
	AtMS int64
	By   string
	Rows int
	// Body is a JSON array of the rows, as GET shows them.
	Body []byte
}

// ErrReferenceChanged says that a list was to replace a version which is not the newest any more.
var ErrReferenceChanged = errors.New("the list has been replaced meanwhile")

// ReadReference returns an account's list as it was at a version of any account's list, or the newest one when version
// is 0. It is false when the account had none.
func ReadReference(ctx context.Context, conn driver.Conn, kind, account string, version uint64) (Reference, bool,
	error) {
	all, err := readReferences(ctx, conn, kind, account, false, version)
	if err != nil || len(all) == 0 {
		return Reference{Account: account}, false, err
	}
	return all[0], true, nil
}

// ReadReferences returns the list of every account that has one, as they were at a version, or the newest ones when
// version is 0. They come in the order of accounts.
func ReadReferences(ctx context.Context, conn driver.Conn, kind string, version uint64) ([]Reference, error) {
	return readReferences(ctx, conn, kind, "", true, version)
}

func readReferences(ctx context.Context, conn driver.Conn, kind, account string, every bool,
	version uint64) (all []Reference, err error) {
	return scanReferences(ctx, conn, kind, func(rows driver.Rows, r *Reference, count *uint32) error {
		var body string
		err := rows.Scan(&r.Account, &r.Version, &r.ID, &r.AtMS, &r.By, count, &body)
		r.Body = []byte(body)
		return err
	}, referenceReadSQL, clickhouse.Named("account", account), clickhouse.Named("every", every),
		clickhouse.Named("version", version))
}

// ReferenceHistory returns the versions of an account's list below a version (0: all of them), newest first, without
// their bodies.
func ReferenceHistory(ctx context.Context, conn driver.Conn, kind, account string, before uint64,
	limit int) ([]Reference, error) {
	return scanReferences(ctx, conn, kind, func(rows driver.Rows, r *Reference, count *uint32) error {
		return rows.Scan(&r.Account, &r.Version, &r.AtMS, &r.By, count)
	}, referenceHistorySQL, clickhouse.Named("account", account), clickhouse.Named("before", before),
		clickhouse.Named("limit", uint32(limit)))
}

func scanReferences(ctx context.Context, conn driver.Conn, kind string,
	scan func(driver.Rows, *Reference, *uint32) error, statement string, args ...any) (all []Reference, err error) {
	rows, err := conn.Query(ctx, statement, append(args, clickhouse.Named("kind", kind))...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kind, err)
	}
	defer func() {
		if closing := rows.Close(); closing != nil && err == nil {
			err = fmt.Errorf("read %s: %w", kind, closing)
		}
	}()
	for rows.Next() {
		var r Reference
		var count uint32
		if err := scan(rows, &r, &count); err != nil {
			return nil, fmt.Errorf("read %s: %w", kind, err)
		}
		r.Rows = int(count)
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", kind, err)
	}
	return all, nil
}

// InsertReference stores a list as the account's newest version and returns its number, which is greater than that of
// every list of its kind before. What is read after it has returned sees the list. After an error the list may be
// stored or not.
func InsertReference(ctx context.Context, conn driver.Conn, kind, account, by string, rows int, body []byte,
	now time.Time) (version uint64, err error) {
	return insertReference(ctx, conn, kind,
		Reference{Account: account, By: by, Rows: rows, Body: body, AtMS: now.UnixMilli()}, -1)
}

// InsertReferenceIf is [InsertReference] for a list that was made from the account's version current, 0 for none. Where
// that is not the newest version any more it returns ErrReferenceChanged, and nothing is stored.
func InsertReferenceIf(ctx context.Context, conn driver.Conn, kind, account, by string, rows int, body []byte,
	now time.Time, current uint64) (version uint64, err error) {
	return insertReference(ctx, conn, kind,
		Reference{Account: account, By: by, Rows: rows, Body: body, AtMS: now.UnixMilli()}, int64(current))
}

// insertReference inserts and looks at what it has inserted. ClickHouse knows no unique keys, so two writers may be
// given one number. Of two that insert and then look, at least one sees the other; whoever sees another takes its row
// back and tries again. So a number that was returned is one row's alone. (A writer that dies between the two steps
// leaves a row that nobody was told of; all reads take the greatest id of such a pair.)
func insertReference(ctx context.Context, conn driver.Conn, kind string, r Reference, ifVersion int64) (uint64, error) {
	inserting := clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings))
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		id := clickhouse.Named("id", uuid.NewString())
		err := conn.Exec(inserting, referencePutSQL, clickhouse.Named("kind", kind),
			clickhouse.Named("account", r.Account), id,
			clickhouse.Named("at_ms", r.AtMS), clickhouse.Named("by", r.By), clickhouse.Named("rows", uint32(r.Rows)),
			clickhouse.Named("body", string(r.Body)),
			clickhouse.Named("if_version", ifVersion))
		if err != nil {
			return 0, fmt.Errorf("put %s: %w", kind, err)
		}
		version, tie, found, err := ownReference(ctx, conn, kind, id)
		switch {
		case err != nil:
			return 0, fmt.Errorf("put %s: read the version: %w", kind, err)
		case !found && ifVersion >= 0:
			return 0, fmt.Errorf("put %s: %w", kind, ErrReferenceChanged)
		case !found:
			return 0, fmt.Errorf("put %s: the row that was stored cannot be read; is this a replica that lags behind?",
				kind)
		case !tie:
			return version, nil
		}
		if err := conn.Exec(ctx, referenceWithdrawSQL, clickhouse.Named("kind", kind), id); err != nil {
			return 0, fmt.Errorf("put %s: take back a version that another writer was given too: %w", kind, err)
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("put %s: other writers came first all the time: %w", kind, ctx.Err())
		case <-time.After(rand.N(wait)):
		}
	}
}

func ownReference(ctx context.Context, conn driver.Conn, kind string, id any) (version uint64, tie, found bool,
	err error) {
	rows, err := conn.Query(ctx, referenceOwnSQL, clickhouse.Named("kind", kind), id)
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
