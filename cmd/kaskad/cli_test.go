package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func parse(t *testing.T, args ...string) (commands, error) {
	t.Helper()
	var cli commands
	parser, err := kong.New(&cli, flagDefaults, kong.DefaultEnvars("KASKAD"), kong.Configuration(loadYAML),
		kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return cli, err
}

func TestCommands_FlagOverVariableOverFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kaskad.yaml")
	if err := os.WriteFile(file, []byte("topic: from-file\ngroup: from-file\nlog-level: debug\nkafka: [a:1, b:2]\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KASKAD_GROUP", "from-variable")
	t.Setenv("KASKAD_LOG_LEVEL", "warn")
	cli, err := parse(t, "run", "--config", file, "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	if r := cli.Run; r.Topic != "from-file" || r.Group != "from-variable" || r.LogLevel != "error" ||
		strings.Join(r.Kafka, ",") != "a:1,b:2" {
		t.Errorf("topic %q, group %q, level %q, kafka %q", r.Topic, r.Group, r.LogLevel, r.Kafka)
	}
}

func TestYAMLFile_Values(t *testing.T) {
	write := func(t *testing.T, text string) string {
		file := filepath.Join(t.TempDir(), "kaskad.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Run("AsWritten", func(t *testing.T) {
		cli, err := parse(t, "run", "--config", write(t, `# comments are fine
kafka-password: 0123
kafka-user: &user 1.10
group: *user
topic-partitions: 1000000
durable: true
insecure-listen: yes
webhook-secret: ["a", b]
kafka: [c:1]
`))
		if err != nil {
			t.Fatal(err)
		}
		r := cli.Run
		if r.KafkaPassword != "0123" || r.KafkaUser != "1.10" || r.Group != "1.10" || r.TopicPartitions != 1e6 ||
			!r.Durable || !r.InsecureListen || strings.Join(r.WebhookSecret, " ") != "a b" || len(r.Kafka) != 1 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("Empty", func(t *testing.T) {
		if _, err := parse(t, "run", "--config", write(t, "")); err != nil {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct{ text, word string }{
		"NoYAML":    {"topic: [", "line 1"},
		"NoMapping": {"- topic\n", "topic: kaskad.events"},
		"Twice":     {"topic: a\ntopic: b\n", "already defined"},
		"Nested":    {"kafka: {user: a}\n", "line 1: kafka"},
		"Deep":      {"kafka:\n  - a:1\n  - [b:1]\n", "line 3: kafka"},
		"List":      {"topic: [a, b]\n", "line 1: topic"},
		"NoValue":   {"topic:\n", "line 1: topic"},
		"NoNumber":  {"topic-partitions: many\n", "topic-partitions"},
		"Second":    {"topic: a\n---\ngroup: b\n", "second document"},
	} {
		t.Run("Err"+name, func(t *testing.T) {
			if _, err := parse(t, "run", "--config", write(t, c.text)); err == nil ||
				!strings.Contains(err.Error(), c.word) {
				t.Errorf("%v, want an error that says %q", err, c.word)
			}
		})
	}
}

// A name that the linker does not know is passed over without a word.
func TestVersion_Release(t *testing.T) {
	config, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), "-X main.release=v{{ .Version }}\"") {
		t.Error(".goreleaser.yaml links no version into main.release")
	}
	defer func(before string) { release = before }(release)
	if release = "v2.0.0"; version() != "v2.0.0" {
		t.Errorf("version %q of release %q", version(), release)
	}
}

func TestCommands_UnknownKeysAreErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kaskad.yaml")
	if err := os.WriteFile(file, []byte("topik: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, "run", "--config", file); err == nil || !strings.Contains(err.Error(), "topik") {
		t.Errorf("unknown key of the file: %v", err)
	}
	if _, err := parse(t, "run", "--topik", "x"); err == nil {
		t.Error("an unknown flag is accepted")
	}
	var cli commands
	parser, err := kong.New(&cli, flagDefaults)
	if err != nil {
		t.Fatal(err)
	}
	err = checkEnvironment(parser.Model,
		[]string{"KASKAD_TOPIK=x", "KASKAD_TOPIC=x", "KASKAD_SERVICE_HOST=10.0.0.1", "HOME=/"})
	if err == nil || !strings.Contains(err.Error(), "KASKAD_TOPIK") ||
		strings.Contains(err.Error(), "KASKAD_SERVICE_HOST") || strings.Contains(err.Error(), "KASKAD_TOPIC,") {
		t.Errorf("unknown variable: %v", err)
	}
}

func TestListenSettings_LoopbackOnly(t *testing.T) {
	for listen, ok := range map[string]bool{"127.0.0.1:8080": true, "localhost:0": true, "[::1]:80": true,
		"0.0.0.0:8080": false, ":8080": false, "example.com:80": false, "8080": false} {
		if err := (listenSettings{Listen: listen}).check(); (err == nil) != ok {
			t.Errorf("--listen %s: %v, want accepted: %v", listen, err, ok)
		}
	}
	if err := (listenSettings{Listen: "0.0.0.0:8080", InsecureListen: true}).check(); err != nil {
		t.Errorf("--insecure-listen: %v", err)
	}
}

func TestListenSettings_Limits(t *testing.T) {
	const key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	for name, c := range map[string]struct {
		settings listenSettings
		word     string
	}{
		"default":      {listenSettings{}, ""},
		"all":          {listenSettings{BodyMemory: 1024, CursorKey: []string{key, strings.Repeat("f", 64)}}, ""},
		"short key":    {listenSettings{CursorKey: []string{key[1:]}}, "--cursor-key"},
		"second key":   {listenSettings{CursorKey: []string{key, "x"}}, "openssl rand -hex 32"},
		"small memory": {listenSettings{BodyMemory: 127}, "--body-memory"},
		"no memory":    {listenSettings{BodyMemory: -1}, "--body-memory"},
		"bytes":        {listenSettings{BodyMemory: 256 << 20}, "--body-memory"},
	} {
		c.settings.Listen = "127.0.0.1:0"
		if err := c.settings.check(); (c.word == "") != (err == nil) || err != nil &&
			(!strings.Contains(err.Error(), c.word) || strings.Contains(err.Error(), key)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClockSettings(t *testing.T) {
	if _, _, err := (clockSettings{Now: "yesterday"}).clock(); err == nil || !strings.Contains(err.Error(), "--now") {
		t.Errorf("--now yesterday: %v", err)
	}
	now, fixed, err := (clockSettings{Now: "2026-11-20T00:00:00Z"}).clock()
	if err != nil || !fixed || now().Unix() != 1795132800 {
		t.Errorf("--now: %v %v %v", now(), fixed, err)
	}
}

func TestKafkaSettings_Mechanism(t *testing.T) {
	for name, c := range map[string]struct {
		s  kafkaSettings
		ok bool
	}{
		"None":            {kafkaSettings{}, true},
		"UserAlone":       {kafkaSettings{KafkaUser: "u"}, false},
		"PlainNoPassword": {kafkaSettings{KafkaSASL: "plain", KafkaUser: "u"}, false},
		"Plain":           {kafkaSettings{KafkaSASL: "plain", KafkaUser: "u", KafkaPassword: "p"}, true},
		"Scram":           {kafkaSettings{KafkaSASL: "scram-sha-512", KafkaUser: "u", KafkaPassword: "p"}, true},
	} {
		if _, err := c.s.mechanism(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A command that works beside a running kaskad makes no database of its own when there is none.
func TestAttach_NothingThereNothingMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"replay"}, {"check"}, {"migrate"}, {"simulate", "--messages", "1"}} {
		t.Run(args[0], func(t *testing.T) {
			cli, err := parse(t, append(args, "--data", dir)...)
			if err != nil {
				t.Fatal(err)
			}
			run := map[string]func(context.Context) error{"replay": cli.Replay.Run, "check": cli.Check.Run,
				"migrate": cli.Migrate.Run, "simulate": cli.Simulate.Run}[args[0]]
			if err := run(t.Context()); err == nil || !strings.Contains(err.Error(), "holds no kaskad") {
				t.Errorf("%v, want an error that says that there is no kaskad", err)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("%s was made", dir)
			}
		})
	}
}
