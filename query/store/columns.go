package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// columnRows is how many rows a block of columns has at most, so that memory does not depend on the answer.
const columnRows = 16384

// ExportColumns reads an export into sets of the same columns in turn, and calls block for each that is filled with
// rows: while one is read, another one is worked on.
func (d *DB) ExportColumns(ctx context.Context, statement string, args []any, sets []proto.Results,
	block func(ctx context.Context, set, rows int) error) error {
	settings := exportSettings()
	common(settings)
	settings["max_block_size"] = columnRows
	q := ch.Query{Body: statement}
	for name, value := range settings {
		q.Settings = append(q.Settings, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	for _, a := range args {
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

// encodeParameter encodes a text, or a list of them, as the driver does: a parameter travels in quotes, and what is
// between them is read once more.
func encodeParameter(arg any) (proto.Parameter, error) {
	named, ok := arg.(driver.NamedValue)
	if !ok {
		return proto.Parameter{}, fmt.Errorf("parameter %v has no name", arg)
	}
	switch value := named.Value.(type) {
	case string:
		return proto.Parameter{Key: named.Name, Value: quote(escaped.Replace(value))}, nil
	case []string:
		list := make([]string, len(value))
		for i, text := range value {
			list[i] = quote(text)
		}
		return proto.Parameter{Key: named.Name, Value: quote("[" + strings.Join(list, ",") + "]")}, nil
	}
	return proto.Parameter{}, fmt.Errorf("parameter %s is a %T: make it a text or a list of texts", named.Name,
		named.Value)
}
