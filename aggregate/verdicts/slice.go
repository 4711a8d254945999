package verdicts

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// beyondAll is greater than all accounts and numbers, which are UTF-8.
var beyondAll = numberKey{"\xff", "\xff"}

const (
	// samples is how many numbers of a sample make a slice: its size is off by a fourth or so.
	samples = 16
	// anyNumber is more than there are.
	anyNumber = 1 << 62
)

// wanted says to the statements of a slice what to read (sql/wanted.sql).
type wanted struct {
	numbers    *ext.Table
	parameters []any
}

func (w *wanted) in(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(w.numbers))
}

// choose returns what the next slice decides, nil for nothing; it ends at the first of the round's bounds. Where more
// numbers are left than one slice takes, it chooses those.
func (r *round) choose(ctx context.Context, size int) (*wanted, error) {
	if len(r.bounds) == 0 || r.size != size {
		touched, many, err := r.touched(ctx, beyondAll, size)
		if err != nil {
			return nil, err
		}
		if !many && len(r.all) > 0 {
			if many, err = r.knowsMore(ctx, size-len(touched)); err != nil {
				return nil, err
			}
		}
		r.bounds, r.size = []numberKey{beyondAll}, size
		if !many {
			return r.want(touched)
		}
		if err := r.part(ctx); err != nil {
			return nil, err
		}
	}
	touched, _, err := r.touched(ctx, r.bounds[0], anyNumber)
	if err != nil {
		return nil, err
	}
	return r.want(touched)
}

// part chooses where the slices to come end.
func (r *round) part(ctx context.Context) error {
	sample := max(1, r.size/samples)
	var bounds []numberKey
	err := schema.EachRow(ctx, r.deps.Conn, "part touched numbers", statement("bounds"), func(rows driver.Rows) error {
		var k numberKey
		if err := rows.Scan(&k.account, &k.number); err != nil {
			return err
		}
		bounds = append(bounds, k)
		return nil
	}, append(r.scope(beyondAll), clickhouse.Named("sample", sample), clickhouse.Named("every", r.size/sample))...)
	r.bounds = append(bounds, beyondAll)
	return err
}

// knowsMore reports whether more numbers than so many have a verdict, of accounts of which all are to be decided.
func (r *round) knowsMore(ctx context.Context, than int) (more bool, err error) {
	err = r.deps.Conn.QueryRow(ctx, statement("known"), append(r.scope(beyondAll),
		clickhouse.Named("accounts", r.all), clickhouse.Named("most", than+1))...).Scan(&more)
	if err != nil {
		return false, fmt.Errorf("count numbers of accounts: %w", err)
	}
	return more, nil
}

// scope are the parameters that name what lies behind the last slice, up to a number.
func (r *round) scope(to numberKey) []any {
	return []any{clickhouse.Named("done", r.done), clickhouse.Named("ready", r.ready),
		clickhouse.Named("from_account", r.after.account), clickhouse.Named("from_number", r.after.number),
		clickhouse.Named("to_account", to.account), clickhouse.Named("to_number", to.number)}
}

// touched returns touched numbers up to one, notes the accounts of which all are, and reports whether there are more
// than most.
func (r *round) touched(ctx context.Context, to numberKey, most int) (touched []numberKey, more bool, err error) {
	rows := 0
	err = schema.EachRow(ctx, r.deps.Conn, "list touched numbers", statement("touched"), func(row driver.Rows) error {
		var k numberKey
		if err := row.Scan(&k.account, &k.number); err != nil {
			return err
		}
		rows++
		if k.number != "" {
			touched = append(touched, k)
		} else if !slices.Contains(r.all, k.account) {
			r.all = append(r.all, k.account)
		}
		return nil
	}, append(r.scope(to), clickhouse.Named("most", most+1))...)
	return touched, rows > most, err
}

// want fills what the statements of the slice go by.
func (r *round) want(touched []numberKey) (*wanted, error) {
	numbers, err := ext.NewTable("wanted", ext.Column("account", "String"), ext.Column("number", "String"))
	if err != nil {
		return nil, err
	}
	// Nobody's number and account: a table without rows would end what is sent, and an empty list has no type.
	if err := numbers.Append("", ""); err != nil {
		return nil, fmt.Errorf("list numbers to decide: %w", err)
	}
	all := []string{"\x00"}
	for _, k := range touched {
		if err := numbers.Append(k.account, k.number); err != nil {
			return nil, fmt.Errorf("list numbers to decide: %w", err)
		}
	}
	if len(touched) == 0 && len(r.all) == 0 {
		return nil, nil
	}
	return &wanted{numbers, append(r.scope(r.bounds[0]), clickhouse.Named("accounts", append(all, r.all...)),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)),
		clickhouse.Named("email_channels", schema.Channels.TellingOf(schema.KindEmail)))}, nil
}
