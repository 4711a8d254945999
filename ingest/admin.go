package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// Defaults of TopicConfig.
const (
	DefaultPartitions      = 12
	DefaultRetention       = 7 * 24 * time.Hour
	DefaultRetentionBytes  = 10 << 30 // of the whole topic
	DefaultMaxMessageBytes = 16 << 20 // room for an Arrow stream, and for a dead letter's headers
	DefaultDeadRetention   = 30 * 24 * time.Hour
)

// TopicConfig says how EnsureTopics creates missing topics. Zero fields are replaced by defaults.
type TopicConfig struct {
	Topic, DeadLetterTopic string
	Others                 []string // topics that others read: of changed verdicts on numbers, and of alerts
	Dialer                 *kafka.Dialer
	Partitions             int
	Replication            int           // default: the broker's own
	Retention              time.Duration // of events; dead letters are kept DefaultDeadRetention
	RetentionBytes         int64         // of the whole topic; brokers are told per partition
}

// EnsureTopics creates the topics of events, of dead letters and those that others read where they are missing, and
// leaves existing ones unchanged. It tries until ctx ends.
func EnsureTopics(ctx context.Context, brokers []string, config TopicConfig) error {
	if config.Topic == "" {
		config.Topic = DefaultTopic
	}
	if config.DeadLetterTopic == "" {
		config.DeadLetterTopic = DefaultDeadLetterTopic
	}
	if config.Partitions == 0 {
		config.Partitions = DefaultPartitions
	}
	if config.Replication == 0 {
		config.Replication = -1
	}
	if config.Retention == 0 {
		config.Retention = DefaultRetention
	}
	if config.RetentionBytes == 0 {
		config.RetentionBytes = DefaultRetentionBytes
	}
	client, done := newClient(brokers, config.Dialer)
	defer done()
	topic := func(name string, partitions int, retention time.Duration, bytes int64) kafka.TopicConfig {
		return kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: config.Replication,
			ConfigEntries: []kafka.ConfigEntry{
				{ConfigName: "cleanup.policy", ConfigValue: "delete"},
				{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(retention.Milliseconds(), 10)},
				{ConfigName: "retention.bytes", ConfigValue: strconv.FormatInt(bytes/int64(partitions), 10)},
				{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(DefaultMaxMessageBytes)},
			}}
	}
	request := &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		topic(config.Topic, config.Partitions, config.Retention, config.RetentionBytes),
		topic(config.DeadLetterTopic, 1, DefaultDeadRetention, config.RetentionBytes),
	}}
	names := config.Topic + ", " + config.DeadLetterTopic
	for _, name := range config.Others {
		request.Topics = append(request.Topics,
			topic(name, config.Partitions, config.Retention, config.RetentionBytes))
		names += ", " + name
	}
	if err := retry(ctx, func() error { return createTopics(ctx, client, request) }, nil); err != nil {
		return fmt.Errorf("create topics %s: %w", names, err)
	}
	return nil
}

func createTopics(ctx context.Context, client *kafka.Client, request *kafka.CreateTopicsRequest) error {
	response, err := client.CreateTopics(ctx, request)
	if err != nil {
		return err
	}
	var errs []error
	for name, err := range response.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// groupIDNotFound is the error of newer brokers for a group that has never committed; kafka-go does not define it.
const groupIDNotFound = kafka.Error(69)

// GroupLag is how far a consumer group is behind its topic, in records.
type GroupLag struct {
	Total      int64
	Partitions map[int]int64
	// Ends are the offsets behind the last records.
	Ends map[int]int64
}

// Lag compares the committed offsets of the group with the ends of the topic's partitions. A partition without a commit
// lags by its whole length.
func Lag(ctx context.Context, brokers []string, dialer *kafka.Dialer, group, topic string) (GroupLag, error) {
	client, done := newClient(brokers, dialer)
	defer done()
	ids, err := topicPartitions(ctx, client, topic)
	if err != nil {
		return GroupLag{}, fmt.Errorf("lag of %s: list partitions: %w", topic, err)
	}
	requests := make([]kafka.OffsetRequest, 0, 2*len(ids))
	for _, id := range ids {
		requests = append(requests, kafka.FirstOffsetOf(id), kafka.LastOffsetOf(id))
	}
	ends, err := client.ListOffsets(ctx,
		&kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return GroupLag{}, fmt.Errorf("lag of %s: list offsets: %w", topic, err)
	}
	commits, err := client.OffsetFetch(ctx,
		&kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err == nil {
		err = commits.Error
	}
	if errors.Is(err, groupIDNotFound) {
		commits, err = &kafka.OffsetFetchResponse{}, nil
	}
	if err != nil {
		return GroupLag{}, fmt.Errorf("lag of %s: committed offsets of group %s: %w", topic, group, err)
	}
	committed := map[int]int64{}
	for _, p := range commits.Topics[topic] {
		committed[p.Partition] = p.CommittedOffset
	}
	lag := GroupLag{Partitions: make(map[int]int64, len(ids)), Ends: make(map[int]int64, len(ids))}
	for _, p := range ends.Topics[topic] {
		if p.Error != nil {
			return GroupLag{}, fmt.Errorf("lag of %s: partition %d: %w", topic, p.Partition, p.Error)
		}
		from, known := committed[p.Partition]
		if !known || from < p.FirstOffset {
			from = p.FirstOffset
		}
		lag.Partitions[p.Partition] = max(0, p.LastOffset-from)
		lag.Total += lag.Partitions[p.Partition]
		lag.Ends[p.Partition] = p.LastOffset
	}
	return lag, nil
}

// Check returns nil if Kafka answers and has the topic, and otherwise says what is missing.
func Check(ctx context.Context, brokers []string, dialer *kafka.Dialer, topic string) error {
	client, done := newClient(brokers, dialer)
	defer done()
	if _, err := topicPartitions(ctx, client, topic); err != nil {
		return fmt.Errorf("kafka at %v, topic %s: %w", brokers, topic, err)
	}
	return nil
}

func newClient(brokers []string, dialer *kafka.Dialer) (client *kafka.Client, done func()) {
	transport := newTransport(dialer)
	return &kafka.Client{Addr: kafka.TCP(brokers...), Transport: transport, Timeout: dialTimeout},
		transport.CloseIdleConnections
}
