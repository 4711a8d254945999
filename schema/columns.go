package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// readTimeout is how long ClickHouse may be silent where the options do not say, as with the driver. ch-go's own 3 s
// are less than a busy machine needs.
const readTimeout = 5 * time.Minute

// Columns runs a query whose answer is read column by column, on a connection of its own: the driver makes a value of
// each field of each row, which takes longer than everything else that a million of them need.
type Columns func(ctx context.Context, q ch.Query) error

// NewColumns reads columns from where the options say, which are those of the driver. It is nil for HTTP, which only
// the driver speaks.
func NewColumns(options *clickhouse.Options) Columns {
	if options.Protocol == clickhouse.HTTP {
		return nil
	}
	to := *options
	if to.DialContext == nil {
		InterruptibleDial(&to)
	}
	var settings []ch.Setting
	for name, value := range to.Settings {
		settings = append(settings, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	return func(ctx context.Context, q ch.Query) error {
		client, err := dialColumns(ctx, &to, settings)
		if err != nil {
			return err
		}
		// By itself it looks at the context between two packets only, and a frozen ClickHouse sends none.
		stop := context.AfterFunc(ctx, func() { _ = client.Close() })
		defer func() {
			if stop() {
				_ = client.Close()
			}
		}()
		err = client.Do(ctx, q)
		if exception := (*ch.Exception)(nil); errors.As(err, &exception) {
			return fmt.Errorf("read columns: %w", &proto.Exception{Code: int32(exception.Code), Name: exception.Name,
				Message: exception.Message})
		}
		return err
	}
}

// dialColumns connects to the first address that answers.
func dialColumns(ctx context.Context, to *clickhouse.Options, settings []ch.Setting) (*ch.Client, error) {
	err := errors.New("no address of ClickHouse is known")
	for _, address := range to.Addr {
		conn, dialling := to.DialContext(ctx, address)
		if dialling != nil {
			err = dialling
			continue
		}
		client, greeting := ch.Connect(ctx, conn, ch.Options{Database: to.Auth.Database, User: to.Auth.Username,
			Password: to.Auth.Password, Settings: settings, ReadTimeout: cmp.Or(to.ReadTimeout, readTimeout),
			HandshakeTimeout: to.DialTimeout, Compression: ch.CompressionDisabled})
		if greeting == nil {
			return client, nil
		}
		_ = conn.Close()
		err = greeting
	}
	return nil, fmt.Errorf("connect to ClickHouse: %w", err)
}
