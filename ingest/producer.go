package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kaskad/schema"
)

const (
	// DefaultBatchBytes keeps a batch of records below the megabyte that brokers take by default (message.max.bytes).
	DefaultBatchBytes = 900 << 10

	// DefaultProduceTimeout is about as long as a client of POST /v1/events is willing to wait.
	DefaultProduceTimeout = 10 * time.Second

	// requestsInFlight bounds the batches of one call that are on their way at a time.
	requestsInFlight = 8

	// recordOverhead is more than the lengths, deltas and flags of a record without headers take.
	recordOverhead = 32
)

// ProducerConfig says where events are written to.
type ProducerConfig struct {
	Brokers    []string
	Topic      string // default DefaultTopic
	Dialer     *kafka.Dialer
	BatchBytes int           // default DefaultBatchBytes
	Timeout    time.Duration // how long Kafka may be away before a caller is told so, default DefaultProduceTimeout
}

// Producer writes events to the topic and spreads them over its partitions by key. It is safe for concurrent use.
type Producer struct{ p *producer }

// NewProducer connects to nothing; the first Produce does.
func NewProducer(config ProducerConfig) (*Producer, error) {
	if len(config.Brokers) == 0 {
		return nil, errors.New("producer: name at least one broker as host:port")
	}
	if config.Topic == "" {
		config.Topic = DefaultTopic
	}
	return &Producer{newProducer(config)}, nil
}

// AppendKey appends the key under which an event is produced, so that all events of a message stand in one partition:
// account, a NUL byte, and message_id, or the recipient for an event about one.
func AppendKey(dst []byte, ev *schema.Event) []byte {
	id := ev.MessageID
	if !ev.Status.OfMessage() {
		id = ev.Recipient
	}
	return append(append(append(dst, ev.Account...), 0), id...)
}

// Produce writes the values under their keys and returns when all in-sync replicas have them. On an error nothing may
// be assumed of any value: some may have arrived. Sending all of them again does no harm. Errors wrap ErrUnavailable,
// after Timeout or when ctx ends, or ErrTooLarge.
func (p *Producer) Produce(ctx context.Context, keys, values [][]byte) error {
	if len(keys) != len(values) {
		return fmt.Errorf("produce: %d keys for %d values", len(keys), len(values))
	}
	messages := make([]message, len(values))
	for i := range values {
		messages[i] = message{key: keys[i], value: values[i]}
	}
	_, err := p.p.produce(ctx, messages)
	return err
}

// Close ends the connections.
func (p *Producer) Close() { p.p.close() }

// producer groups records by partition and sends them in batches.
type producer struct {
	config    ProducerConfig
	client    *kafka.Client
	transport *kafka.Transport
	balancer  kafka.Murmur2Balancer // what Java clients do with a key
}

func newProducer(config ProducerConfig) *producer {
	if config.BatchBytes == 0 {
		config.BatchBytes = DefaultBatchBytes
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultProduceTimeout
	}
	transport := newTransport(config.Dialer)
	return &producer{
		config:    config,
		client:    &kafka.Client{Addr: kafka.TCP(config.Brokers...), Transport: transport},
		transport: transport,
		balancer:  kafka.Murmur2Balancer{Consistent: true},
	}
}

// newTransport makes kafka-go's newer client speak TLS and SASL as the dialer does.
func newTransport(d *kafka.Dialer) *kafka.Transport {
	t := &kafka.Transport{DialTimeout: dialTimeout, MetadataTTL: time.Second}
	if d != nil {
		t.Dial, t.TLS, t.SASL, t.ClientID = d.DialFunc, d.TLS, d.SASLMechanism, d.ClientID
	}
	return t
}

func (p *producer) close() { p.transport.CloseIdleConnections() }

// message is a record to be sent.
type message struct {
	key, value []byte
	headers    []kafka.Header
	at         time.Time // zero: now
}

func (m *message) size() int {
	n := recordOverhead + len(m.key) + len(m.value)
	for _, h := range m.headers {
		n += 2*binary.MaxVarintLen32 + len(h.Key) + len(h.Value)
	}
	return n
}

// batch is what is sent in one request.
type batch struct {
	partition int
	messages  []message
	bytes     int
}

// produce sends the messages and returns those that are not known to be acknowledged.
func (p *producer) produce(ctx context.Context, messages []message) ([]message, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	partitions, err := p.partitions(ctx)
	if err != nil {
		return messages, fmt.Errorf("find partitions of %s: %w: %w", p.config.Topic, ErrUnavailable, err)
	}
	batches := p.split(messages, partitions)
	errs := make([]error, len(batches))
	var sending sync.WaitGroup
	slots := make(chan struct{}, requestsInFlight)
	for i := range batches {
		slots <- struct{}{}
		sending.Go(func() {
			errs[i] = p.send(ctx, &batches[i])
			<-slots
		})
	}
	sending.Wait()
	if err = errors.Join(errs...); err == nil {
		return nil, nil
	}
	var rest []message
	for i, e := range errs {
		if e != nil {
			rest = append(rest, batches[i].messages...)
		}
	}
	return rest, err
}

// split groups the messages by the partition of their key, in batches that a broker takes.
func (p *producer) split(messages []message, partitions []int) []batch {
	var batches []batch
	open := make(map[int]int, len(partitions))
	for i := range messages {
		m := &messages[i]
		size := m.size()
		to := p.balancer.Balance(kafka.Message{Key: m.key}, partitions...)
		at, found := open[to]
		if !found || batches[at].bytes+size > p.config.BatchBytes {
			at = len(batches)
			open[to] = at
			batches = append(batches, batch{partition: to})
		}
		batches[at].messages = append(batches[at].messages, *m)
		batches[at].bytes += size
	}
	return batches
}

// send tries until the batch is acknowledged, refused for good, or ctx ends.
func (p *producer) send(ctx context.Context, b *batch) error {
	var refused error
	err := retry(ctx, func() error {
		err := p.sendOnce(ctx, b)
		if errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge) {
			refused, err = err, nil
		}
		return err
	}, nil)
	switch {
	case refused != nil:
		return fmt.Errorf("produce %d bytes to %s: %w: %w", b.bytes, p.config.Topic, ErrTooLarge, refused)
	case err != nil:
		return fmt.Errorf("produce to %s: %w: %w", p.config.Topic, ErrUnavailable, err)
	}
	return nil
}

func (p *producer) sendOnce(ctx context.Context, b *batch) error {
	response, err := p.client.Produce(ctx, &kafka.ProduceRequest{
		Topic:        p.config.Topic,
		Partition:    b.partition,
		RequiredAcks: kafka.RequireAll,
		Records:      &messageReader{left: b.messages},
	})
	if err != nil {
		return err
	}
	return response.Error
}

// partitions lists the topic's partitions, and waits for those of a topic that was just created.
func (p *producer) partitions(ctx context.Context) ([]int, error) {
	var ids []int
	err := retry(ctx, func() (err error) {
		ids, err = topicPartitions(ctx, p.client, p.config.Topic)
		return err
	}, nil)
	return ids, err
}

// topicPartitions lists the partitions of a topic in order: brokers list them in any, but the place of a key must not
// depend on it.
func topicPartitions(ctx context.Context, client *kafka.Client, topic string) ([]int, error) {
	response, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	for _, t := range response.Topics {
		if t.Name != topic {
			continue
		}
		if t.Error != nil {
			return nil, t.Error
		}
		ids := make([]int, len(t.Partitions))
		for i, partition := range t.Partitions {
			ids[i] = partition.ID
		}
		slices.Sort(ids)
		if len(ids) > 0 {
			return ids, nil
		}
	}
	return nil, kafka.UnknownTopicOrPartition
}

// messageReader hands messages to kafka-go one at a time, without memory for each.
type messageReader struct {
	left       []message
	record     kafka.Record
	key, value bytesReader
}

// ReadRecord returns the next record, which holds until the next call, or io.EOF.
func (r *messageReader) ReadRecord() (*kafka.Record, error) {
	if len(r.left) == 0 {
		return nil, io.EOF
	}
	m := &r.left[0]
	r.left = r.left[1:]
	r.key.Reset(m.key)
	r.value.Reset(m.value)
	r.record = kafka.Record{Time: m.at, Key: &r.key, Value: &r.value, Headers: m.headers}
	return &r.record, nil
}

// bytesReader is kafka.Bytes.
type bytesReader struct{ bytes.Reader }

func (*bytesReader) Close() error { return nil }
