package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"kaskad/aggregate"
	"kaskad/aggregate/notify"
	"kaskad/ingest"
	"kaskad/query"
	"kaskad/query/door"
	"kaskad/schema"
	"kaskad/schema/erasure"
)

// logSettings choose what the program logs to standard error, and how.
type logSettings struct {
	LogLevel  string `help:"How much to log." enum:"debug,info,warn,error" default:"info"`
	LogFormat string `help:"How to log." enum:"text,json" default:"text"`
}

func (s logSettings) logger() *slog.Logger { return s.loggerTo(os.Stderr) }

func (s logSettings) loggerTo(out io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// clockSettings fix the clock for tests.
type clockSettings struct {
	Now string `help:"Fix the clock of all roles at this RFC 3339 time, for tests." placeholder:"TIME"`
}

// clock returns the clock, and whether it is fixed.
func (s clockSettings) clock() (func() time.Time, bool, error) {
	if s.Now == "" {
		return time.Now, false, nil
	}
	at, err := time.Parse(time.RFC3339Nano, s.Now)
	if err != nil {
		return nil, false, fmt.Errorf("--now: %q is not an RFC 3339 time such as 2026-11-20T00:00:00Z", s.Now)
	}
	return func() time.Time { return at }, true, nil
}

// kafkaSettings say where events are read from and how to log in there.
type kafkaSettings struct {
	Kafka            []string `help:"Brokers, host:port. Without it the broker is embedded." placeholder:"HOST:PORT"`
	Topic            string   `help:"Topic of events." default:"${default_topic}"`
	DeadLetterTopic  string   `help:"Topic of refused events." default:"${default_dead_letter_topic}"`
	Group            string   `help:"Consumer group." default:"${default_group}"`
	KafkaTLS         bool     `name:"kafka-tls" help:"Speak TLS to the brokers."`
	KafkaCA          string   `name:"kafka-ca" help:"PEM file of the authority that signed the brokers' certificates; the system's by default." type:"existingfile"`
	KafkaSASL        string   `name:"kafka-sasl" help:"How to log in: plain, scram-sha-256, scram-sha-512." enum:",plain,scram-sha-256,scram-sha-512" default:""`
	KafkaUser        string   `help:"User for --kafka-sasl."`
	KafkaPassword    string   `help:"Password for --kafka-sasl; better given as KASKAD_KAFKA_PASSWORD."`
	TopicPartitions  int      `help:"Partitions of a topic that has to be created." default:"12"`
	TopicReplication int      `help:"Replicas of a topic that has to be created; 0 is the broker's own default." default:"0"`
}

func (s kafkaSettings) dialer() (*kafka.Dialer, error) {
	d := &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true}
	if s.KafkaTLS || s.KafkaCA != "" {
		d.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if s.KafkaCA != "" {
			pem, err := os.ReadFile(s.KafkaCA)
			if err != nil {
				return nil, fmt.Errorf("--kafka-ca: %w", err)
			}
			d.TLS.RootCAs = x509.NewCertPool()
			if !d.TLS.RootCAs.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("--kafka-ca: %s holds no PEM certificate", s.KafkaCA)
			}
		}
	}
	mechanism, err := s.mechanism()
	d.SASLMechanism = mechanism
	return d, err
}

func (s kafkaSettings) mechanism() (sasl.Mechanism, error) {
	if s.KafkaSASL == "" {
		if s.KafkaUser != "" || s.KafkaPassword != "" {
			return nil, errors.New("--kafka-user and --kafka-password need --kafka-sasl plain, scram-sha-256 or " +
				"scram-sha-512")
		}
		return nil, nil
	}
	if s.KafkaUser == "" || s.KafkaPassword == "" {
		return nil, errors.New("--kafka-sasl needs --kafka-user and KASKAD_KAFKA_PASSWORD")
	}
	switch s.KafkaSASL {
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.KafkaUser, s.KafkaPassword)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.KafkaUser, s.KafkaPassword)
	}
	return plain.Mechanism{Username: s.KafkaUser, Password: s.KafkaPassword}, nil
}

// The values of --auth.
const (
	authKeys = "keys"
	authOff  = "off"
)

// listenSettings say who may reach the API.
type listenSettings struct {
	Listen         string   `help:"Address of the HTTP API." default:"127.0.0.1:8080"`
	Auth           string   `help:"Who may ask: keys asks for a key (kaskad keys), off serves whoever reaches the loopback address." enum:"keys,off" default:"keys"`
	AdminKey       string   `help:"An admin key of all accounts, 32 characters or more, besides those that ClickHouse keeps; better given as KASKAD_ADMIN_KEY. An embedded ClickHouse has its first one made, in the file admin.key of the data directory." placeholder:"KEY"`
	TLSCert        string   `name:"tls-cert" help:"PEM file of the certificate, and of those that lead to its authority, to speak TLS with. It is read again when it has changed." type:"existingfile"`
	TLSKey         string   `name:"tls-key" help:"PEM file of its private key." type:"existingfile"`
	InsecureListen bool     `help:"With --auth off: serve addresses besides loopback, for containers whose ports are published on loopback only."`
	BodyMemory     int64    `help:"MiB that the bodies of all requests take together; beyond it uploads are told to come again." default:"${default_body_memory}" placeholder:"MIB"`
	CursorKey      []string `help:"Key that the API's cursors are sealed with, 64 hexadecimal digits, the same for all servers; better given as KASKAD_CURSOR_KEY. Two with a comma between them while one takes the other's place: the first seals. Without it the key is one that ClickHouse keeps." placeholder:"HEX"`
}

// cursorKeys parses the keys of --cursor-key.
func (s listenSettings) cursorKeys() (keys []schema.CursorKey, err error) {
	for _, text := range s.CursorKey {
		key, err := schema.ParseCursorKey(text)
		if err != nil {
			return nil, fmt.Errorf("--cursor-key: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// check refuses to listen where strangers could reach an API that asks for no key.
func (s listenSettings) check() error {
	if _, err := s.cursorKeys(); err != nil {
		return err
	}
	if s.BodyMemory != 0 && s.BodyMemory < 2*query.DefaultMaxBody>>20 || s.BodyMemory > 1<<20 {
		return fmt.Errorf("--body-memory: %d: want MiB, %d to %d", s.BodyMemory, 2*query.DefaultMaxBody>>20, 1<<20)
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %q: want HOST:PORT such as 127.0.0.1:8080", s.Listen)
	}
	if s.Auth == authKeys {
		if s.AdminKey != "" && len(s.AdminKey) < door.MinAdminKey {
			return fmt.Errorf("--admin-key or KASKAD_ADMIN_KEY has %d characters: it needs %d at least, such as "+
				"`openssl rand -hex 32` prints", len(s.AdminKey), door.MinAdminKey)
		}
		return nil
	}
	if s.AdminKey != "" {
		return errors.New("--admin-key or KASKAD_ADMIN_KEY needs --auth keys: with --auth off nobody is asked for it")
	}
	ip := net.ParseIP(host)
	if s.InsecureListen || strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("--listen %s would serve strangers without a key: use --auth keys, or 127.0.0.1, or "+
		"--insecure-listen where another layer keeps them out", s.Listen)
}

// storeSettings say where facts and rollups are kept.
type storeSettings struct {
	Clickhouse string `help:"ClickHouse DSN, clickhouse://user:password@host:9000/database?secure=true. Without it ClickHouse is embedded." placeholder:"DSN"`
	Durable    bool   `help:"Sync every insert to disk before it counts as stored: the promise then covers power loss, not only the death of processes."`
	ErasureKey string `help:"Key that erased numbers are recognised by, 64 hexadecimal digits, the same for all roles; better given as KASKAD_ERASURE_KEY. With an embedded ClickHouse it is the file erasure.key of the data directory, made at the first start." placeholder:"HEX"`
}

// erasureKey returns the key that is set, else that of the data directory of an embedded ClickHouse, else nil: then no
// number can be erased.
func (s storeSettings) erasureKey(dir string) (*erasure.Key, error) {
	if s.ErasureKey != "" {
		key, err := erasure.ParseKey(s.ErasureKey)
		if err != nil {
			return nil, fmt.Errorf("--erasure-key: %w", err)
		}
		return key, nil
	}
	if s.Clickhouse != "" || dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	return erasure.OpenKey(filepath.Join(dir, "erasure.key"))
}

// notifySettings say to whom the aggregator announces changed verdicts on numbers.
type notifySettings struct {
	ChangesTopic    string   `help:"Kafka topic that is told each change of a number's verdict, as JSON under account and number. It is made when absent. Without it none is told." placeholder:"TOPIC"`
	AlertsTopic     string   `help:"Kafka topic that is told when alerts begin and end, as JSON, by rules that send to the topic. It is made when absent. Without it none is told." placeholder:"TOPIC"`
	WebhookURL      string   `name:"webhook-url" help:"Endpoint that is told the same by POST, in batches of one account's changes, until it answers 2xx: https, or http on loopback." placeholder:"https://HOST/PATH"`
	WebhookSecret   []string `help:"What signs it (Standard Webhooks): whsec_ and 24 to 64 bytes in base64; better given as KASKAD_WEBHOOK_SECRET. Two with a comma between them while the receiver changes from one to the other." placeholder:"whsec_…"`
	InsecureWebhook bool     `help:"Let --webhook-url be http to other addresses than loopback: numbers can be read on the way."`
	NotifyFromStart bool     `help:"Tell a topic or webhook that was never told anything all changes that there ever were, not only those from now on."`
}

// stateSettings say what the aggregator keeps at hand.
type stateSettings struct {
	StateBytes int64 `help:"Bytes that the states of messages may take in the keyed store, before compression. Above that, those of the hours that nothing has changed for longest move to where a change finds them slower." default:"${default_state_bytes}" placeholder:"BYTES"`
}

func (s stateSettings) check() error {
	if s.StateBytes < 1 {
		return fmt.Errorf("--state-bytes: %d: want a number of bytes, such as %d", s.StateBytes,
			int64(aggregate.DefaultStateBytes))
	}
	return nil
}

// webhook checks the settings, and returns nil when no webhook is configured.
func (s notifySettings) webhook(k kafkaSettings) (*notify.Webhook, error) {
	for flag, topic := range map[string]string{"--changes-topic": s.ChangesTopic, "--alerts-topic": s.AlertsTopic} {
		switch {
		case topic != "" && !topicName.MatchString(topic):
			return nil, fmt.Errorf("%s: %q is no name of a topic: use up to 249 letters, digits, dots, dashes and "+
				"underscores", flag, topic)
		case topic != "" && (topic == k.Topic || topic == k.DeadLetterTopic):
			return nil, fmt.Errorf("%s: %s holds events, and would be read as such: choose a topic of its own", flag,
				topic)
		}
	}
	switch {
	case s.AlertsTopic != "" && s.AlertsTopic == s.ChangesTopic:
		return nil, errors.New("--alerts-topic: whoever reads changes of numbers would read alerts as such: choose a " +
			"topic of its own")
	case s.WebhookURL == "" && (len(s.WebhookSecret) > 0 || s.InsecureWebhook):
		return nil, errors.New("--webhook-secret and --insecure-webhook need --webhook-url")
	case s.WebhookURL == "" && s.ChangesTopic == "" && s.NotifyFromStart:
		return nil, errors.New("--notify-from-start needs --changes-topic or --webhook-url")
	case s.WebhookURL == "":
		return nil, nil
	}
	return notify.NewWebhook(notify.WebhookConfig{URL: s.WebhookURL, Secrets: s.WebhookSecret,
		Insecure: s.InsecureWebhook})
}

// topicName matches what Kafka accepts as the name of a topic.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// flagDefaults are the defaults that other packages define.
var flagDefaults = kong.Vars{
	"default_body_memory": strconv.Itoa(query.DefaultBodyMemory >> 20),
	"default_topic":       ingest.DefaultTopic, "default_dead_letter_topic": ingest.DefaultDeadLetterTopic,
	"default_group": ingest.DefaultGroup, "default_state_bytes": strconv.FormatInt(aggregate.DefaultStateBytes, 10),
}
