package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// waitReady waits until both ports of a child answer, learns the version and
// makes the database. The login proves that the answer comes from our child and
// not from somebody who took the port.
func (c *ClickHouse) waitReady(ctx context.Context, child *process) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	// When the child ends, nothing waits any longer for an answer from whoever
	// has its port.
	go func() {
		select {
		case <-child.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	// The HTTP port opens last. No login is tried before it is open, so that a
	// port that somebody else has leads to the child's own error.
	for _, address := range []string{c.Addr(), c.HTTPAddr()} {
		for {
			conn, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				_ = conn.Close()
				break
			}
			if err := pause(ctx, child, 10*time.Millisecond); err != nil {
				return err
			}
		}
	}
	err := c.pingHTTP(ctx)
	if err == nil {
		err = c.login(ctx)
	}
	if err != nil {
		// The child's own reason is better, when it has ended or is about to.
		select {
		case <-child.done:
			return child.failure()
		case <-time.After(time.Second):
		}
	}
	return err
}

// pingHTTP asks the HTTP port for a sign of life.
func (c *ClickHouse) pingHTTP(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.HTTPAddr()+"/ping", nil)
	if err != nil {
		return fmt.Errorf("ping HTTP port: %w", err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("ping HTTP port: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("ping HTTP port: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ping HTTP port: status %s", response.Status)
	}
	return nil
}

// login learns the version and makes the database. It names no database to log
// in to, because an unknown one would end a new server, see the package comment.
func (c *ClickHouse) login(ctx context.Context) error {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{c.Addr()},
		Auth: clickhouse.Auth{Username: User, Password: c.password},
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
