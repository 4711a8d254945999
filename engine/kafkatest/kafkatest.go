// Package kafkatest runs Apache Kafka itself for tests: one combined KRaft node
// on loopback ports, from the jars that engine/kafkatest/fetch.sh puts at
// bin/kafka-libs. It needs Java 17 or newer.
//
// Where Java or the jars are missing, tests fail when CI=true and are skipped
// elsewhere.
package kafkatest

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kaskad/engine"
)

const (
	// readyTimeout bounds a start, which takes 3 to 5 seconds on an idle machine.
	readyTimeout = 2 * time.Minute

	// stopTimeout bounds a stop in order.
	stopTimeout = 30 * time.Second
)

//go:embed server.properties
var serverProperties string

// Broker is an Apache Kafka that belongs to a test.
type Broker struct {
	tb      testing.TB
	libs    string
	dir     string
	address string
	command *exec.Cmd
	ended   chan struct{}
	err     error
}

// Start starts a broker and returns its bootstrap addresses. It ends with the
// test.
func Start(tb testing.TB) (addrs []string) {
	tb.Helper()
	return New(tb).Addrs()
}

// New is Start for a test that stops the broker on the way. Topics are not
// created by use, so that a test sees what a careful operator's clients see.
func New(tb testing.TB) *Broker {
	tb.Helper()
	libs, err := find()
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%v (CI=true, so this is a failure and no skip)", err)
		}
		tb.Skipf("skipped: %v", err)
	}
	b := &Broker{tb: tb, libs: libs, dir: tb.TempDir()}
	if err := b.format(); err != nil {
		tb.Fatal(err)
	}
	b.Restart()
	tb.Cleanup(b.Kill)
	return b
}

// find returns the folder of the jars.
func find() (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", errors.New("kafkatest: Apache Kafka needs Java 17 or newer, and there is no java on PATH")
	}
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", errors.New("kafkatest: Apache Kafka is looked for in bin/kafka-libs of a Go module, and the " +
				"working directory is in none")
		}
		directory = parent
	}
	libs := filepath.Join(directory, "bin", "kafka-libs")
	if _, err := os.Stat(filepath.Join(libs, "VERSION")); err != nil {
		return "", errors.New("kafkatest: Apache Kafka is not in bin/kafka-libs; run engine/kafkatest/fetch.sh, " +
			"which needs Maven")
	}
	return libs, nil
}

// format writes the configuration and prepares the data directory.
func (b *Broker) format() error {
	var ports [2]int
	for i := range ports {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	b.address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	text := strings.NewReplacer(
		"@BROKER@", b.address,
		"@CONTROLLER@", fmt.Sprintf("127.0.0.1:%d", ports[1]),
		"@DATA@", filepath.Join(b.dir, "data"),
	).Replace(serverProperties)
	if err := os.WriteFile(b.properties(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("make cluster id: %w", err)
	}
	output, err := b.java("-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t",
		hex.EncodeToString(id[:]), "-c", b.properties()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("prepare Kafka's data directory: %w: %s", err, output)
	}
	return nil
}

func (b *Broker) properties() string { return filepath.Join(b.dir, "server.properties") }
func (b *Broker) log() string        { return filepath.Join(b.dir, "kafka.log") }

func (b *Broker) java(args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{"-Xmx512m", "-XX:+UseSerialGC", "-cp", filepath.Join(b.libs, "*")},
		args...)...)
}

// Addrs are the bootstrap addresses, host:port. They stay the same over Stop and
// Restart.
func (b *Broker) Addrs() []string { return []string{b.address} }

// Stop ends the broker in order, as an operator would.
func (b *Broker) Stop() {
	b.tb.Helper()
	b.end(syscall.SIGTERM)
}

// Kill ends the broker at once. Nothing happens when it is not running.
func (b *Broker) Kill() {
	b.tb.Helper()
	b.end(syscall.SIGKILL)
}

func (b *Broker) end(signal os.Signal) {
	b.tb.Helper()
	if b.command == nil {
		return
	}
	_ = b.command.Process.Signal(signal)
	select {
	case <-b.ended:
	case <-time.After(stopTimeout):
		_ = b.command.Process.Kill()
		<-b.ended
		b.tb.Errorf("Kafka did not stop in %s; its last words: %s", stopTimeout, b.tail())
	}
	b.command = nil
}

// Restart starts the broker again after Stop or Kill, with its data and its
// address, and returns when it serves.
func (b *Broker) Restart() {
	b.tb.Helper()
	if b.command != nil {
		b.tb.Fatal("Kafka is running already; call Stop or Kill first")
	}
	log, err := os.OpenFile(b.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer log.Close()
	command := b.java("kafka.Kafka", b.properties())
	command.Stdout, command.Stderr = log, log
	wait, err := engine.StartBound(command)
	if err != nil {
		b.tb.Fatalf("start Kafka: %v", err)
	}
	ended := make(chan struct{})
	b.command, b.ended = command, ended
	go func() {
		b.err = wait()
		close(ended)
	}()
	b.waitReady()
}

// waitReady waits until the broker knows itself and coordinates groups: a first
// join would otherwise meet GroupCoordinatorNotAvailable for a while.
func (b *Broker) waitReady() {
	b.tb.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.address), Transport: transport, Timeout: 5 * time.Second}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	for {
		err := ready(ctx, client)
		if err == nil {
			return
		}
		select {
		case <-b.ended:
			b.command = nil
			b.tb.Fatalf("Kafka ended: %v; its last words: %s", b.err, b.tail())
		case <-ctx.Done():
			b.tb.Fatalf("Kafka is not ready after %s: %v; its last words: %s", readyTimeout, err, b.tail())
		case <-time.After(50 * time.Millisecond):
			transport.CloseIdleConnections()
		}
	}
}

func ready(ctx context.Context, client *kafka.Client) error {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	if len(metadata.Brokers) == 0 {
		return errors.New("no broker in the metadata")
	}
	coordinator, err := client.FindCoordinator(ctx,
		&kafka.FindCoordinatorRequest{Key: "kafkatest", KeyType: kafka.CoordinatorKeyTypeConsumer})
	if err != nil {
		return err
	}
	if coordinator.Error != nil {
		return coordinator.Error
	}
	// The coordinator still loads its state for a moment after it is found.
	offsets, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: "kafkatest"})
	if err != nil {
		return err
	}
	return offsets.Error
}

// tail is the end of Kafka's log.
func (b *Broker) tail() string {
	text, err := os.ReadFile(b.log())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}
