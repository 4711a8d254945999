package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"

	"kaskad/engine/kafkaguard"
)

const (
	// DefaultPartitions is the number of partitions of a topic that names none.
	DefaultPartitions = 12

	// DefaultRetentionBytes and DefaultRetentionMS are what a topic keeps by default: 10 GB over all of its partitions,
	// or 7 days.
	DefaultRetentionBytes = 10 << 30
	DefaultRetentionMS    = 7 * 24 * 60 * 60 * 1000

	// MaxMessageBytes is the largest batch the broker accepts. Records of 16 MB
	// fit with their framing; a producer has to raise its own limit as well.
	MaxMessageBytes = 32 << 20

	// segmentBytes is the size of a log file. Retention deletes whole files and
	// never the last one, so a partition keeps up to this much more.
	segmentBytes    = 64 << 20
	minSegmentBytes = 1 << 20

	// offsetsRetentionMinutes is how long the offsets of a group without
	// members live (30 days). Until then retention waits for the group.
	offsetsRetentionMinutes = 30 * 24 * 60

	// janitorInterval is how often retention runs.
	janitorInterval = time.Minute
)

// Topic is a topic that the broker has from the start.
type Topic struct {
	Name string
	// Partitions: 0 means DefaultPartitions. A topic that exists keeps its own
	// number, because another one would move keys to other partitions.
	Partitions int
	// RetentionBytes is the size of all partitions together; 0 means
	// DefaultRetentionBytes, negative no limit.
	RetentionBytes int64
	// RetentionMS is the age in milliseconds since the broker wrote the record, whatever time the producer gave it; 0
	// means DefaultRetentionMS, negative forever.
	RetentionMS int64
}

// BrokerConfig says how to start the embedded broker.
type BrokerConfig struct {
	// Dir belongs to this broker alone and is created if missing. Empty keeps everything in memory, gone after Stop.
	Dir string
	// Port is the loopback port; 0 means the one used last in Dir if it is
	// free, else a random one.
	Port int
	// Topics are created if they are missing.
	Topics []Topic
	// Durable syncs every write to disk before acknowledging it, so that power loss loses nothing either.
	Durable bool
	// Logger receives a line at start and the broker's own warnings; nil means slog.Default().
	Logger *slog.Logger
	// Disk watches the disk of Dir; nil means that the broker does so itself.
	Disk *Disk
	// Logins are the SHA-256 of the passwords by which clients log in (SASL PLAIN); nil lets everybody in. Allow
	// changes them later.
	Logins [][sha256.Size]byte

	// lock and listener are the parent's, when the broker is a child.
	lock     *os.File
	listener net.Listener
}

// Broker is a running embedded broker.
type Broker struct {
	config  BrokerConfig
	cluster *kfake.Cluster
	lock    *os.File
	addrs   []string
	logins  *kafkaguard.Logins // nil for everybody

	// disk is watched while there is a Dir; ownDisk is set when the broker does so itself.
	disk    *Disk
	ownDisk bool

	cancel  context.CancelFunc
	janitor sync.WaitGroup

	stopOnce sync.Once
	stopped  chan struct{}
}

// StartBroker starts a single Kafka broker on a loopback port. It keeps topics,
// records and the offsets of consumer groups in Dir.
//
// Errors wrap [ErrLocked] or [ErrDiskFull] and name the fix.
func StartBroker(ctx context.Context, config BrokerConfig) (*Broker, error) {
	begin := time.Now()
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	config.Topics = withDefaults(config.Topics)
	b := &Broker{config: config, stopped: make(chan struct{})}
	if config.Logins != nil {
		b.logins = &kafkaguard.Logins{}
		b.logins.Set(config.Logins)
	}
	if config.Dir != "" {
		if err := b.open(); err != nil {
			return nil, err
		}
	}
	if err := b.start(ctx); err != nil {
		b.unlock()
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	config.Logger.Info("embedded broker started", "address", b.addrs[0], "dir", config.Dir,
		"topics", len(config.Topics), "took", time.Since(begin).Round(time.Millisecond))
	return b, nil
}

// open takes the data directory.
func (b *Broker) open() error {
	dir, err := filepath.Abs(b.config.Dir)
	if err != nil {
		return fmt.Errorf("find data directory: %w", err)
	}
	b.config.Dir = dir
	if b.lock = b.config.lock; b.lock == nil {
		if b.lock, err = lockDir(dir); err != nil {
			return err
		}
	}
	if b.disk = b.config.Disk; b.disk == nil {
		b.ownDisk = true
		b.disk, err = WatchDisk(dir, b.config.Logger)
	} else {
		err = b.disk.Err()
	}
	if err != nil {
		b.ownDisk = false
		b.unlock()
		return fmt.Errorf("start embedded broker: %w", err)
	}
	return nil
}

func (b *Broker) unlock() {
	if b.ownDisk {
		b.disk.Close()
	}
	if b.lock != nil {
		_ = b.lock.Close()
	}
}

func (b *Broker) start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.config.Dir != "" {
		if err := recoverLogs(b.storeDir()); err != nil {
			return err
		}
	}
	listener := b.config.listener
	if listener == nil {
		var err error
		if listener, err = listenBroker(b.config); err != nil {
			return err
		}
	}
	cluster, err := kfake.NewCluster(b.options(listener)...)
	if err != nil {
		_ = listener.Close()
		return err
	}
	b.cluster = cluster
	b.addrs = []string{listener.Addr().String()}
	if err := b.createTopics(); err != nil {
		b.cluster.Close()
		return err
	}
	background, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if b.config.Dir == "" {
		return nil
	}
	b.janitor.Go(func() { b.runRetention(background) })
	return nil
}

// listenBroker opens the port, preferably that of the last run: another program may have it now.
func listenBroker(config BrokerConfig) (net.Listener, error) {
	port, wished := config.Port, false
	if port == 0 && config.Dir != "" {
		port = lastPort(config.Dir)
		wished = port != 0
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if wished && errors.Is(err, syscall.EADDRINUSE) {
		listener, err = net.Listen("tcp4", "127.0.0.1:0")
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken, choose another one: %w", port, err)
	}
	if err != nil || config.Dir == "" {
		return listener, err
	}
	port = listener.Addr().(*net.TCPAddr).Port
	if err := replaceFile(portFile(config.Dir), []byte(strconv.Itoa(port)+"\n"), 0o644); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("remember port: %w", err)
	}
	return listener, nil
}

func (b *Broker) options(listener net.Listener) []kfake.Opt {
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return b.guard(listener), nil }),
		kfake.ClusterID("kaskad"),
		kfake.DefaultNumPartitions(DefaultPartitions),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.WithLogger(brokerLogger{b.config.Logger}),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes":         strconv.Itoa(MaxMessageBytes),
			"offsets.retention.minutes": strconv.Itoa(offsetsRetentionMinutes),
			"group.max.size":            "250",
			// What a session of fetches remembers of its partitions adds up.
			"max.incremental.fetch.session.cache.slots": "200",
			// Retention is ours, see runRetention.
			"log.retention.ms":    "-1",
			"log.retention.bytes": "-1",
		}),
	}
	if b.config.Dir != "" {
		options = append(options, kfake.DataDir(b.storeDir()))
	}
	if b.config.Durable {
		options = append(options, kfake.SyncWrites())
	}
	return options
}

// guard stands between kfake and its clients.
func (b *Broker) guard(listener net.Listener) net.Listener {
	return kafkaguard.Wrap(listener, kafkaguard.Config{
		HasTopic: func(name string) bool {
			return slices.ContainsFunc(b.config.Topics, func(topic Topic) bool { return topic.Name == name })
		},
		Refuse: b.guardDisk,
		Logins: b.logins,
		Logger: b.config.Logger,
	})
}

func (b *Broker) storeDir() string { return filepath.Join(b.config.Dir, "store") }

func portFile(dir string) string { return filepath.Join(dir, "PORT") }

// lastPort reads the port of the last run; 0 when there was none.
func lastPort(dir string) int {
	text, err := os.ReadFile(portFile(dir))
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port < 1 || port > 65535 {
		return 0
	}
	return port
}

func (b *Broker) createTopics() error {
	for _, topic := range b.config.Topics {
		segment := int64(segmentBytes)
		if topic.RetentionBytes > 0 {
			segment = min(segment, max(minSegmentBytes, topic.RetentionBytes/int64(topic.Partitions)/4))
		}
		err := b.cluster.CreateTopic(topic.Name, int32(topic.Partitions), map[string]string{
			"segment.bytes": strconv.FormatInt(segment, 10),
		})
		if errors.Is(err, kerr.TopicAlreadyExists) {
			if have := len(b.cluster.PartitionInfos(topic.Name)); have != topic.Partitions {
				b.config.Logger.Warn("topic keeps its number of partitions", "topic", topic.Name, "partitions", have,
					"wanted", topic.Partitions)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("create topic %s: %w", topic.Name, err)
		}
	}
	return nil
}

func withDefaults(topics []Topic) []Topic {
	filled := make([]Topic, len(topics))
	for i, topic := range topics {
		if topic.Partitions <= 0 {
			topic.Partitions = DefaultPartitions
		}
		if topic.RetentionBytes == 0 {
			topic.RetentionBytes = DefaultRetentionBytes
		}
		if topic.RetentionMS == 0 {
			topic.RetentionMS = DefaultRetentionMS
		}
		filled[i] = topic
	}
	return filled
}

// Allow replaces the logins. Who may not be there any more is put out.
func (b *Broker) Allow(logins [][sha256.Size]byte) {
	if b.logins != nil {
		b.logins.Set(logins)
	}
}

// Addrs are the bootstrap addresses, host:port.
func (b *Broker) Addrs() []string { return append([]string(nil), b.addrs...) }

// Stop ends the broker in order: what was acknowledged is on disk, what was not
// is refused. When ctx ends first it returns ctx's error and the end goes on
// behind it. A second call waits for the first.
func (b *Broker) Stop(ctx context.Context) error {
	b.stopOnce.Do(func() {
		go func() {
			defer close(b.stopped)
			b.cancel()
			b.janitor.Wait()
			b.cluster.Close()
			b.unlock()
		}()
	})
	select {
	case <-b.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop embedded broker: %w", ctx.Err())
	}
}

// guardDisk refuses to produce while the disk is nearly full. kfake notices a failed write only after it has advanced
// an idempotent producer's sequence number, so the producer's retry would be acknowledged as a duplicate of a record
// that was never stored. Refusing while there is still room means that nothing is written in part. Producers retry.
func (b *Broker) guardDisk() error {
	if b.disk != nil && b.disk.Full() {
		return ErrDiskFull
	}
	return nil
}

// brokerLogger passes kfake's warnings and errors on.
type brokerLogger struct{ logger *slog.Logger }

func (l brokerLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.logger.Error("embedded broker failed", "error", fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.logger.Warn("embedded broker warns", "error", fmt.Sprintf(format, args...))
	}
}
