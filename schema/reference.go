package schema

import (
	"context"
	_ "embed"
	"fmt"
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
	ReferenceAlerts      = "alerts"
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
	// Note is that of the key that put it, where the key is the account's own; in a history alone.
	Note string
	// Why is what who put it said of it, empty for nothing; in a history alone.
	Why string
}

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
		return rows.Scan(&r.Account, &r.Version, &r.AtMS, &r.By, count, &r.Note, &r.Why)
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
	return StoreReference(ctx, conn, kind,
		Reference{Account: account, By: by, Rows: rows, Body: body, AtMS: now.UnixMilli()}, AnyVersion)
}

// StoreReference is [InsertReference] for a list that was made from the account's version ifVersion, 0 for none. Where
// that is not the newest version any more it returns ErrVersionChanged, and nothing is stored; with AnyVersion that is
// no matter. It gives the list its version and its id.
func StoreReference(ctx context.Context, conn driver.Conn, kind string, r Reference, ifVersion int64) (uint64, error) {
	statements := Versioned{Put: referencePutSQL, Own: referenceOwnSQL, Withdraw: referenceWithdrawSQL}
	version, err := statements.Store(ctx, conn, ifVersion, []any{clickhouse.Named("kind", kind)},
		[]any{clickhouse.Named("account", r.Account), clickhouse.Named("at_ms", r.AtMS), clickhouse.Named("by", r.By),
			clickhouse.Named("rows", uint32(r.Rows)), clickhouse.Named("body", string(r.Body)),
			clickhouse.Named("why", r.Why)})
	if err != nil {
		return 0, fmt.Errorf("put %s: %w", kind, err)
	}
	return version, nil
}
