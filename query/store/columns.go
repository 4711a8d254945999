package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// ColumnQuery is a statement whose answer is read column by column, its parameters, and the tables that are sent with
// it.
type ColumnQuery struct {
	Statement string
	Args      []any
	Tables    []ch.ExternalTable
}

// ExportColumns reads an export into sets of the same columns in turn, and calls block for each that is filled with
// rows: while one is read, another one is worked on.
func (d *DB) ExportColumns(ctx context.Context, query ColumnQuery, sets []proto.Results,
	block func(ctx context.Context, set, rows int) error) error {
	settings := exportSettings()
	forCaller(ctx, settings)
	q := ch.Query{Body: query.Statement, ExternalTables: query.Tables}
	for name, value := range settings {
		q.Settings = append(q.Settings, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	for _, a := range query.Args {
		parameter, err := encodeParameter(a)
		if err != nil {
			return err
		}
		q.Parameters = append(q.Parameters, parameter)
	}
	if life, watched := ctx.Value(pulseKey{}).(*pulse); watched {
		q.OnProgress = func(context.Context, proto.Progress) error {
			life.beat()
			return nil
		}
	}
	type filled struct{ set, rows int }
	free, full := make(chan int, len(sets)), make(chan filled, len(sets))
	for i := range sets[1:] {
		free <- i + 1
	}
	into := &turns{sets: sets}
	q.Result = into
	q.OnResult = func(ctx context.Context, b proto.Block) error {
		if b.Rows == 0 {
			return nil // the header, and the end
		}
		full <- filled{into.set, b.Rows} // has room for all sets
		select {
		case into.set = <-free:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(full)
		return d.Columns(ctx, q)
	})
	group.Go(func() error {
		for f := range full {
			if err := block(ctx, f.set, f.rows); err != nil {
				return err
			}
			free <- f.set
		}
		return nil
	})
	return group.Wait()
}

// turns decodes into one of several sets of columns.
type turns struct {
	sets []proto.Results
	set  int
}

func (t *turns) DecodeResult(r *proto.Reader, version int, b proto.Block) error {
	return t.sets[t.set].DecodeResult(r, version, b)
}

// quoted is a text as ClickHouse reads it between quotes, escaped one that it reads to its end.
var (
	quoted  = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	escaped = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
)

func quote(text string) string { return "'" + quoted.Replace(text) + "'" }

// encodeParameter encodes a text, a number, or a list of them, as the driver does: a parameter travels in quotes, and
// what is between them is read once more.
func encodeParameter(arg any) (proto.Parameter, error) {
	named, ok := arg.(driver.NamedValue)
	if !ok {
		return proto.Parameter{}, fmt.Errorf("parameter %v has no name", arg)
	}
	var value string
	switch given := named.Value.(type) {
	case string:
		value = escaped.Replace(given)
	case []string:
		value = listed(given, quote)
	case int64, uint32:
		value = fmt.Sprint(given)
	case uint64:
		value = strconv.FormatUint(given, 10)
	case []uint64:
		value = listed(given, func(n uint64) string { return strconv.FormatUint(n, 10) })
	default:
		return proto.Parameter{}, fmt.Errorf("parameter %s is a %T: make it a text, a number, or a list of them",
			named.Name, named.Value)
	}
	return proto.Parameter{Key: named.Name, Value: quote(value)}, nil
}

func listed[T any](values []T, text func(T) string) string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = text(value)
	}
	return "[" + strings.Join(list, ",") + "]"
}
