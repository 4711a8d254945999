package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func startBroker(t *testing.T, config BrokerConfig) *Broker {
	t.Helper()
	config.Logger = quiet()
	b, err := StartBroker(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopBroker(t, b) })
	return b
}

func stopBroker(t *testing.T, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// produce writes to one partition of a topic and fails the test unless every
// record is acknowledged.
func produce(t *testing.T, addrs []string, topic string, messages ...kafka.Message) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(addrs...), Topic: topic, Transport: transport,
		RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, BatchSize: 500, BatchBytes: MaxMessageBytes,
		Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.Partition }),
	}
	for i := range messages {
		messages[i].Partition, messages[i].WriterData = 0, nil
	}
	if err := writer.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// numbered are the records "from" to "to"-1, padded to the given size.
func numbered(from, to, size int) []kafka.Message {
	messages := make([]kafka.Message, 0, to-from)
	for i := from; i < to; i++ {
		text := strconv.Itoa(i) + " "
		messages = append(messages, kafka.Message{Value: []byte(text + strings.Repeat(".", max(0, size-len(text))))})
	}
	return messages
}

// consume reads partition 0 from an offset to its end.
func consume(t *testing.T, addrs []string, topic string, from int64) []kafka.Message {
	t.Helper()
	conn, err := kafka.DialLeader(t.Context(), "tcp", addrs[0], topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, last, err := conn.ReadOffsets()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Seek(from, kafka.SeekAbsolute); err != nil {
		t.Fatal(err)
	}
	var messages []kafka.Message
	for from+int64(len(messages)) < last {
		batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: MaxMessageBytes,
			MaxWait: 10 * time.Second})
		for {
			message, err := batch.ReadMessage()
			if err != nil {
				break // the end of the batch, or an error that Close reports
			}
			messages = append(messages, message)
		}
		if err := batch.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return messages
}

// commit joins a group, commits an offset of partition 0 and leaves.
func commit(t *testing.T, addrs []string, group, topic string, offset int64) {
	t.Helper()
	member, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: addrs, Topics: []string{topic}, StartOffset: kafka.FirstOffset,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	generation, err := member.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := generation.CommitOffsets(map[string]map[int]int64{topic: {0: offset}}); err != nil {
		t.Fatal(err)
	}
}

func committed(t *testing.T, addrs []string, group, topic string) int64 {
	t.Helper()
	// A transport of its own: the shared one would use a connection to the broker
	// that had the address before.
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport}
	response, err := client.OffsetFetch(t.Context(),
		&kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0}}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Error != nil {
		t.Fatal(response.Error)
	}
	return response.Topics[topic][0].CommittedOffset
}

// check compares consumed records with the numbers they must hold.
func check(t *testing.T, messages []kafka.Message, firstOffset int64, from, to int) {
	t.Helper()
	if len(messages) != to-from {
		t.Fatalf("%d records, want %d", len(messages), to-from)
	}
	for i, message := range messages {
		number, _, _ := strings.Cut(string(message.Value), " ")
		if number != strconv.Itoa(from+i) || message.Offset != firstOffset+int64(i) {
			t.Fatalf("record %s at offset %d, want %d at %d", number, message.Offset, from+i, firstOffset+int64(i))
		}
	}
}

// playBroker is the process that tests kill: a broker with two topics.
func playBroker(dir string, out io.Writer) error {
	b, err := StartBroker(context.Background(), BrokerConfig{Dir: dir, Logger: quiet(), Topics: brokerTopics()})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, b.Addrs()[0])
	select {}
}

func brokerTopics() []Topic {
	return []Topic{{Name: "events", Partitions: 3}, {Name: "small", Partitions: 1, RetentionBytes: 4 << 20}}
}

func TestStartBroker_SurvivesKill(t *testing.T) {
	dir := t.TempDir()
	player := play(t, "broker", dir)
	addrs := []string{player.line()}
	produce(t, addrs, "events", numbered(0, 20000, 200)...)
	commit(t, addrs, "ingest", "events", 12345)
	produce(t, addrs, "events", numbered(20000, 30000, 200)...)
	player.kill()

	b := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	if b.Addrs()[0] != addrs[0] {
		t.Errorf("address %s, want the one before the kill, %s", b.Addrs()[0], addrs[0])
	}
	check(t, consume(t, b.Addrs(), "events", 0), 0, 0, 30000)
	if got := committed(t, b.Addrs(), "ingest", "events"); got != 12345 {
		t.Errorf("committed offset %d, want 12345", got)
	}
	// The second life goes on where the first ended, through a stop in order.
	produce(t, b.Addrs(), "events", numbered(30000, 31000, 200)...)
	commit(t, b.Addrs(), "ingest", "events", 30500)
	stopBroker(t, b)

	again := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	check(t, consume(t, again.Addrs(), "events", 0), 0, 0, 31000)
	if got := committed(t, again.Addrs(), "ingest", "events"); got != 30500 {
		t.Errorf("committed offset %d, want 30500", got)
	}
}

// A kill in the middle of a write leaves half a batch at the end of a file.
func TestStartBroker_DropsTornTail(t *testing.T) {
	dir := t.TempDir()
	player := play(t, "broker", dir)
	addrs := []string{player.line()}
	produce(t, addrs, "events", numbered(0, 1000, 200)...)
	player.kill()
	files, err := filepath.Glob(filepath.Join(dir, "store", "partitions", "events-0", "*.dat"))
	if err != nil || len(files) != 1 {
		t.Fatalf("log files %v, error %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], append(content, content[:100]...), 0o644); err != nil {
		t.Fatal(err)
	}

	b := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	produce(t, b.Addrs(), "events", numbered(1000, 2000, 200)...)
	check(t, consume(t, b.Addrs(), "events", 0), 0, 0, 2000)
}

func TestStartBroker_LargeRecords(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, BrokerConfig{Dir: dir, Durable: true, Topics: []Topic{{Name: "large", Partitions: 1}}})
	produce(t, b.Addrs(), "large", numbered(0, 1, 16<<20)...)
	produce(t, b.Addrs(), "large", numbered(1, 2, 10)...)
	messages := consume(t, b.Addrs(), "large", 0)
	check(t, messages, 0, 0, 2)
	if len(messages[0].Value) != 16<<20 {
		t.Errorf("%d bytes, want 16 MB", len(messages[0].Value))
	}
}

func TestStartBroker_Ports(t *testing.T) {
	dir := t.TempDir()
	first := startBroker(t, BrokerConfig{Dir: dir})
	host, port, err := net.SplitHostPort(first.Addrs()[0])
	if err != nil || host != "127.0.0.1" {
		t.Fatalf("address %s is not on the loopback (%v)", first.Addrs()[0], err)
	}
	stopBroker(t, first)

	// The port of the last run is a wish, a configured one an order.
	taken, err := net.Listen("tcp4", first.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	second := startBroker(t, BrokerConfig{Dir: dir})
	if second.Addrs()[0] == first.Addrs()[0] {
		t.Error("the broker got a port that is taken")
	}
	stopBroker(t, second)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartBroker(t.Context(), BrokerConfig{Dir: dir, Port: number, Logger: quiet()}); err == nil ||
		!strings.Contains(err.Error(), port) {
		t.Errorf("error %v, want one that names port %s", err, port)
	}
	_ = taken.Close()
	if third := startBroker(t, BrokerConfig{Dir: dir, Port: number}); third.Addrs()[0] != first.Addrs()[0] {
		t.Errorf("address %s, want %s", third.Addrs()[0], first.Addrs()[0])
	}
}

func TestStartBroker_Locked(t *testing.T) {
	dir := t.TempDir()
	startBroker(t, BrokerConfig{Dir: dir})
	_, err := StartBroker(t.Context(), BrokerConfig{Dir: dir, Logger: quiet()})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("error %v, want %v with process id %d", err, ErrLocked, os.Getpid())
	}
}

func TestStartBroker_TopicsKeepPartitions(t *testing.T) {
	dir := t.TempDir()
	first := startBroker(t, BrokerConfig{Dir: dir, Topics: []Topic{{Name: "a", Partitions: 2}, {Name: "b"}}})
	if got := len(first.cluster.PartitionInfos("b")); got != DefaultPartitions {
		t.Errorf("%d partitions, want %d", got, DefaultPartitions)
	}
	stopBroker(t, first)
	second := startBroker(t, BrokerConfig{Dir: dir,
		Topics: []Topic{{Name: "a", Partitions: 5}, {Name: "c", Partitions: 1}}})
	for topic, want := range map[string]int{"a": 2, "b": DefaultPartitions, "c": 1} {
		if got := len(second.cluster.PartitionInfos(topic)); got != want {
			t.Errorf("topic %s has %d partitions, want %d", topic, got, want)
		}
	}
}

func TestBroker_RefusesRecordsWhenDiskIsFull(t *testing.T) {
	var full atomic.Bool
	dir := t.TempDir()
	disk, err := watchDisk(dir, quiet(), func(string) (free, total uint64, err error) {
		if full.Load() {
			return 0, 1 << 30, nil
		}
		return 1 << 29, 1 << 30, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	config := BrokerConfig{Dir: dir, Topics: []Topic{{Name: "events", Partitions: 1}}, Disk: disk}
	b := startBroker(t, config)
	produce(t, b.Addrs(), "events", numbered(0, 10, 100)...)

	full.Store(true)
	for !disk.Full() {
		time.Sleep(time.Millisecond)
	}
	writer := &kafka.Writer{Addr: kafka.TCP(b.Addrs()...), Topic: "events", RequiredAcks: kafka.RequireAll,
		MaxAttempts: 1, BatchTimeout: time.Millisecond}
	defer func() { _ = writer.Close() }()
	if err := writer.WriteMessages(t.Context(), numbered(10, 11, 100)...); err == nil ||
		!strings.Contains(err.Error(), ErrDiskFull.Error()) {
		t.Errorf("error %v, want %v", err, ErrDiskFull)
	}
	// A producer that does not wait for answers sees its connection end.
	careless := &kafka.Writer{Addr: kafka.TCP(b.Addrs()...), Topic: "events", RequiredAcks: kafka.RequireNone,
		MaxAttempts: 1, BatchTimeout: time.Millisecond}
	defer func() { _ = careless.Close() }()
	_ = careless.WriteMessages(t.Context(), numbered(11, 12, 100)...)
	time.Sleep(100 * time.Millisecond)

	full.Store(false)
	for disk.Full() {
		time.Sleep(time.Millisecond)
	}
	produce(t, b.Addrs(), "events", numbered(10, 20, 100)...)
	check(t, consume(t, b.Addrs(), "events", 0), 0, 0, 20)

	stopBroker(t, b)
	full.Store(true)
	for !disk.Full() {
		time.Sleep(time.Millisecond)
	}
	config.Logger = quiet()
	if _, err := StartBroker(t.Context(), config); !errors.Is(err, ErrDiskFull) {
		t.Errorf("error %v, want %v", err, ErrDiskFull)
	}
}

func TestBroker_Stop_Twice(t *testing.T) {
	b := startBroker(t, BrokerConfig{Topics: []Topic{{Name: "memory", Partitions: 1}}})
	produce(t, b.Addrs(), "memory", numbered(0, 100, 10)...)
	check(t, consume(t, b.Addrs(), "memory", 0), 0, 0, 100)
	stopBroker(t, b)
	stopBroker(t, b)
}
