package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// running says where the embedded services of a data directory listen, so that replay, simulate and check can reach them. The file can
// be read by its owner alone, for it holds the password of this start.
type running struct {
	Clickhouse string   `json:"clickhouse"`
	Kafka      []string `json:"kafka"`
	API        string   `json:"api"`
	// Now is the clock of --now; empty when it goes with the machine's.
	Now string `json:"now,omitempty"`
}

const runningFile = "running.json"

// writeRunning writes the file and returns what removes it.
func (st *stack) writeRunning(dir, api string) (func(), error) {
	if st.clickhouse == nil || st.broker == nil {
		return func() {}, nil
	}
	at := running{Clickhouse: st.clickhouse.DSN(), Kafka: st.brokers, API: api}
	if st.fixed {
		at.Now = st.now().Format(time.RFC3339Nano)
	}
	body, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, runningFile)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return nil, fmt.Errorf("say where the services listen: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}

// readRunning returns where the services of a data directory listen, and false when nobody listens there (a process that was killed
// leaves its file behind).
func readRunning(ctx context.Context, dir string) (running, bool) {
	var at running
	body, err := os.ReadFile(filepath.Join(dir, runningFile))
	if err != nil || json.Unmarshal(body, &at) != nil {
		return at, false
	}
	options, err := clickhouse.ParseDSN(at.Clickhouse)
	if err != nil || len(options.Addr) == 0 {
		return at, false
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", options.Addr[0])
	if err != nil {
		return at, false
	}
	_ = conn.Close()
	return at, true
}

// checkAttachable refuses a directory on which a command would have to make a database of its own: the events would go where nobody looks,
// or the answer would be about nothing.
func checkAttachable(dir string, how attachment) error {
	hint := ""
	if _, err := os.Stat(filepath.Join(dir, "demo", runningFile)); err == nil {
		hint = fmt.Sprintf("; a demo runs on %s: say --data %s", filepath.Join(dir, "demo"), filepath.Join(dir, "demo"))
	}
	if _, err := os.Stat(filepath.Join(dir, "clickhouse")); err != nil {
		return fmt.Errorf("--data: %s holds no kaskad%s; start `kaskad run`, or name real services with --kafka and --clickhouse", dir, hint)
	}
	if how == attachToLive {
		return fmt.Errorf("--data: no kaskad runs on %s%s; start `kaskad run`, or name another target", dir, hint)
	}
	return nil
}
