package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// waitReady waits until a child answers, learns the version and makes the
// database.
func (c *ClickHouse) waitReady(ctx context.Context, child *process) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	// When the child ends, nothing waits any longer for its answer.
	go func() {
		select {
		case <-child.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	for patience := firstWord; ; {
		err := c.login(ctx, patience)
		var network *net.OpError
		if err == nil || !errors.As(err, &network) && !errors.Is(err, io.EOF) {
			return c.lastWords(child, err)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			patience *= 2 // it may be this child, on a machine that has much else to do
		}
		// Nobody listens yet.
		if err := pause(ctx, child, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// lastWords prefers the child's own reason, when it has ended or is about to.
func (c *ClickHouse) lastWords(child *process, err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-child.done:
		return child.failure()
	case <-time.After(time.Second):
		return err
	}
}

// firstWord is how long the first login waits for whoever has the port: somebody else may have been quicker to take it,
// and say nothing. It is tried again, with more patience, as long as the child lives.
const firstWord = 3 * time.Second

// login learns the version and makes the database. It names no database to log
// in to, because an unknown one would end a new server, see the package comment.
func (c *ClickHouse) login(ctx context.Context, patience time.Duration) error {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr:        []string{c.Addr()},
		Auth:        clickhouse.Auth{Username: User, Password: c.password},
		DialContext: c.Dial,
		DialTimeout: patience,
	})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	if err := conn.QueryRow(ctx, "SELECT version()").Scan(&c.version); err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+Database+" ENGINE = Atomic"); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// pause waits a moment; its error says that the child ended or time is up.
func pause(ctx context.Context, child *process, moment time.Duration) error {
	select {
	case <-child.done:
		return child.failure()
	case <-ctx.Done():
	case <-time.After(moment):
		return nil
	}
	select {
	case <-child.done: // it is why ctx ended
		return child.failure()
	default:
		return fmt.Errorf("not ready: %w (last output: %s)", ctx.Err(), tail(child.output))
	}
}
