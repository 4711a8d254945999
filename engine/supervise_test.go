package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func superviseBroker(t *testing.T, config BrokerConfig) *BrokerProcess {
	t.Helper()
	if config.Logger == nil {
		config.Logger = quiet()
	}
	p, err := SuperviseBroker(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// killChild is kill -9 of the broker alone. It returns when there is another one.
func killChild(t *testing.T, p *BrokerProcess) {
	t.Helper()
	before := p.PID()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); p.PID() == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no new broker in 30 s")
		}
	}
}

// What was acknowledged is there after every death of the child, under load.
func TestSuperviseBroker_KilledUnderLoad(t *testing.T) {
	p := superviseBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	addr := p.Addrs()[0]
	produce(t, p.Addrs(), "events", numbered(0, 1000, 200)...)
	commit(t, p.Addrs(), "ingest", "events", 123)

	writer := &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: "events", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		MaxAttempts: 1,
		Balancer:    kafka.BalancerFunc(func(kafka.Message, ...int) int { return 0 }),
	}
	stop := make(chan struct{})
	var acknowledged []string
	var failures int
	var producer sync.WaitGroup
	producer.Go(func() {
		for n := 1000; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := writer.WriteMessages(t.Context(),
				kafka.Message{Value: []byte(strconv.Itoa(n) + " x")}); err != nil {
				failures++
				continue
			}
			acknowledged = append(acknowledged, strconv.Itoa(n))
		}
	})
	for range 5 {
		time.Sleep(100 * time.Millisecond) // of load
		killChild(t, p)
	}
	produce(t, p.Addrs(), "events", numbered(0, 1, 10)...) // it serves again
	close(stop)
	producer.Wait()
	_ = writer.Close()
	if len(acknowledged) == 0 || failures == 0 {
		t.Errorf("%d acknowledged, %d failed: the kills did not meet the load", len(acknowledged), failures)
	}

	stored := make(map[string]bool)
	for _, message := range consume(t, p.Addrs(), "events", 0) {
		number, _, _ := strings.Cut(string(message.Value), " ")
		stored[number] = true
	}
	for i := range 1000 {
		acknowledged = append(acknowledged, strconv.Itoa(i))
	}
	for _, number := range acknowledged {
		if !stored[number] {
			t.Fatalf("record %s was acknowledged and is gone", number)
		}
	}
	if got := committed(t, p.Addrs(), "ingest", "events"); got != 123 {
		t.Errorf("committed offset %d, want 123", got)
	}
	if p.Addrs()[0] != addr {
		t.Errorf("address %s, want %s", p.Addrs()[0], addr)
	}
}

// A client that comes while there is no broker waits in the port's queue.
func TestSuperviseBroker_ClientsWait(t *testing.T) {
	p := superviseBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.current().done
	produce(t, p.Addrs(), "events", numbered(0, 10, 10)...)
	check(t, consume(t, p.Addrs(), "events", 0), 0, 0, 10)
}

// The log says what killed the child, and carries the child's own warnings.
func TestSuperviseBroker_Logs(t *testing.T) {
	dir := t.TempDir()
	first := startBroker(t, BrokerConfig{Dir: dir, Topics: []Topic{{Name: "a", Partitions: 2}}})
	stopBroker(t, first)
	var mu sync.Mutex
	var log bytes.Buffer
	text := func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
	write := writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(b)
	})
	p := superviseBroker(t, BrokerConfig{Dir: dir, Topics: []Topic{{Name: "a", Partitions: 5}},
		Logger: slog.New(slog.NewTextHandler(write, nil))})
	waitFor(t, "the child's warning", func() bool {
		return strings.Contains(text(), `level=WARN msg="topic keeps its number of partitions"`) &&
			strings.Contains(text(), "wanted=5")
	})
	// SIGABRT makes a Go program end as a panic does.
	if err := syscall.Kill(p.PID(), syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the cause", func() bool {
		return strings.Contains(text(), "died and is started again") && strings.Contains(text(), "SIGABRT: abort") &&
			strings.Contains(text(), "is back")
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func waitFor(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

// A child that dies whenever it starts is tried again, at growing intervals, and
// comes back when the cause is gone; Stop does not wait for that.
func TestSuperviseBroker_DiesAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	p := superviseBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	produce(t, p.Addrs(), "events", numbered(0, 10, 10)...)
	topics := filepath.Join(dir, "store", "topics.json")
	good, err := os.ReadFile(topics)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(topics, []byte("no JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := p.PID()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pids := map[int]bool{before: true}
	waitFor(t, "two more deaths", func() bool { pids[p.PID()] = true; return len(pids) > 2 })
	if err := os.WriteFile(topics, good, 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, consume(t, p.Addrs(), "events", 0), 0, 0, 10)
}

func TestSuperviseBroker_Errors(t *testing.T) {
	t.Run("ErrLocked", func(t *testing.T) {
		dir := t.TempDir()
		superviseBroker(t, BrokerConfig{Dir: dir})
		_, err := SuperviseBroker(t.Context(), BrokerConfig{Dir: dir, Logger: quiet()})
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
			t.Errorf("error %v, want %v with the parent's process id %d", err, ErrLocked, os.Getpid())
		}
	})
	t.Run("Child", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "store"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := SuperviseBroker(t.Context(), BrokerConfig{Dir: dir, Logger: quiet()})
		if err == nil || !strings.Contains(err.Error(), "not a directory") {
			t.Errorf("error %v, want the child's", err)
		}
	})
}

// playSupervisor is the process that tests kill.
func playSupervisor(dir string, out io.Writer) error {
	p, err := SuperviseBroker(context.Background(), BrokerConfig{Dir: dir, Logger: quiet(), Topics: brokerTopics()})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, p.Addrs()[0])
	select {}
}

// The child dies with its parent: it has the lock of the data, and the next one
// gets it.
func TestSuperviseBroker_ParentKilled(t *testing.T) {
	dir := t.TempDir()
	player := play(t, "supervisor", dir)
	addr := player.line()
	produce(t, []string{addr}, "events", numbered(0, 1000, 100)...)
	player.kill()
	p := superviseBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	if p.Addrs()[0] != addr {
		t.Errorf("address %s, want %s", p.Addrs()[0], addr)
	}
	check(t, consume(t, p.Addrs(), "events", 0), 0, 0, 1000)
}

// An idempotent producer goes on over the death of the broker, without loss.
func TestSuperviseBroker_IdempotentProducer(t *testing.T) {
	p := superviseBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Addrs()...), kgo.DefaultProduceTopic("small"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseAllowingRebalance()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const records = 3000
	for i := range records {
		client.Produce(ctx, &kgo.Record{Value: fmt.Append(nil, i, " x")}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
		if i%1000 == 500 {
			killChild(t, p)
		}
	}
	if err := client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	stored := make(map[string]bool)
	for _, message := range consume(t, p.Addrs(), "small", 0) {
		stored[string(message.Value)] = true
	}
	if len(stored) != records {
		t.Errorf("%d different records, want %d", len(stored), records)
	}
}
