package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"kaskad/ingest"
	"kaskad/schema"
)

type runCommand struct {
	Data string `help:"Directory of the embedded broker and ClickHouse." default:"data" type:"path"`
	listenSettings
	kafkaSettings
	storeSettings
	notifySettings
	stateSettings
	clockSettings
	logSettings
}

func (c *runCommand) Run(ctx context.Context, h hooks) error {
	if err := c.listenSettings.check(); err != nil {
		return err
	}
	if _, err := c.webhook(c.kafkaSettings); err != nil {
		return err
	}
	if err := c.stateSettings.check(); err != nil {
		return err
	}
	r := roles{ingest: true, aggregate: true, serve: true, notify: c.notifySettings, states: c.stateSettings}
	n := r.needs()
	n.login = c.Auth == authKeys
	st, err := openStack(ctx, n, c.Data, c.logger(), c.clockSettings, c.kafkaSettings, c.storeSettings)
	if err != nil {
		return err
	}
	defer st.close()
	forget := func() {}
	defer func() { forget() }()
	p := &process{stack: st, roles: r, listen: c.listenSettings, hooks: h}
	p.ready = func(address string, _ *ingest.Producer) {
		forget = st.announce(c.Data, address, c.TLSCert != "")
		st.logger.Info("ready", "address", c.scheme()+address, "kafka", st.brokers, "topic", c.Topic, "took",
			time.Since(st.started).Round(time.Millisecond))
	}
	return p.run(ctx)
}

// roleSettings are those of a process that runs one role beside real services.
type roleSettings struct {
	kafkaSettings
	storeSettings
	clockSettings
	logSettings
}

type ingestCommand struct {
	MetricsListen string `help:"Address of /metrics and /healthz; none by default." placeholder:"HOST:PORT"`
	roleSettings
}

type aggregateCommand struct {
	MetricsListen string `help:"Address of /metrics and /healthz; none by default." placeholder:"HOST:PORT"`
	notifySettings
	stateSettings
	roleSettings
}

type serveCommand struct {
	listenSettings
	roleSettings
}

func (c *ingestCommand) Run(ctx context.Context) error {
	return c.roleSettings.run(ctx, roles{ingest: true}, listenSettings{}, c.MetricsListen)
}

func (c *aggregateCommand) Run(ctx context.Context) error {
	if _, err := c.webhook(c.kafkaSettings); err != nil {
		return err
	}
	if err := c.stateSettings.check(); err != nil {
		return err
	}
	return c.roleSettings.run(ctx, roles{aggregate: true, notify: c.notifySettings, states: c.stateSettings},
		listenSettings{}, c.MetricsListen)
}

func (c *serveCommand) Run(ctx context.Context) error {
	return c.roleSettings.run(ctx, roles{serve: true}, c.listenSettings, "")
}

func (c roleSettings) run(ctx context.Context, r roles, listen listenSettings, metrics string) error {
	st, err := openStack(ctx, r.needs(), "", c.logger(), c.clockSettings, c.kafkaSettings, c.storeSettings)
	if err != nil {
		return err
	}
	defer st.close()
	if r.serve {
		if err := listen.check(); err != nil {
			return err
		}
	}
	if metrics != "" {
		stop, err := st.serveMetrics(metrics)
		if err != nil {
			return err
		}
		defer stop()
	}
	return (&process{stack: st, roles: r, listen: listen}).run(ctx)
}

// attachSettings are those of a command that works beside a running kaskad.
type attachSettings struct {
	Data string `help:"Data directory of an embedded kaskad, running or not; --kafka and --clickhouse name real services instead." default:"data" type:"path"`
	roleSettings
}

// dir is the data directory, or "" when the services are real.
func (c attachSettings) dir() string {
	if c.Clickhouse != "" || len(c.Kafka) > 0 {
		return ""
	}
	return c.Data
}

func (c attachSettings) open(ctx context.Context, n needs) (*stack, error) {
	n.attach = max(n.attach, attach)
	return openStack(ctx, n, c.dir(), c.logger(), c.clockSettings, c.kafkaSettings, c.storeSettings)
}

type migrateCommand struct {
	attachSettings
}

func (c *migrateCommand) Run(ctx context.Context) error {
	st, err := c.open(ctx, needs{clickhouse: true})
	if err != nil {
		return err
	}
	defer st.close()
	version, err := st.migrate(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("schema version %d\n", version)
	return nil
}

type replayCommand struct {
	Reason string        `help:"Only dead letters of this reason, such as unknown_value."`
	Field  string        `help:"Only dead letters about this field."`
	Since  time.Duration `help:"Only dead letters of this last span, such as 24h; 0 is all that are kept." default:"0"`
	attachSettings
}

func (c *replayCommand) Run(ctx context.Context) error {
	st, err := c.open(ctx, needs{kafka: true, clickhouse: true})
	if err != nil {
		return err
	}
	defer st.close()
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: st.brokers, Topic: c.Topic, Dialer: st.dialer})
	if err != nil {
		return err
	}
	defer producer.Close()
	filter := schema.LetterFilter{Reason: schema.Reason(c.Reason), Field: c.Field}
	if c.Since > 0 {
		filter.Since = st.now().Add(-c.Since)
	}
	result, err := ingest.Replay(ctx, st.conn, producer, filter, st.now)
	fmt.Printf("replayed %d dead letters; %d would be refused again and stay (GET /v1/rejected says why)\n",
		result.Sent, result.StillRefused)
	return err
}

type checkCommand struct {
	URL string `name:"url" help:"Ask a running server instead: exit 0 when its /readyz answers 200." placeholder:"http://127.0.0.1:8080"`
	notifySettings
	attachSettings
}

func (c *checkCommand) Run(ctx context.Context) error {
	if c.URL != "" {
		return askReady(ctx, c.URL)
	}
	if _, err := c.webhook(c.kafkaSettings); err != nil {
		return err
	}
	st, err := c.open(ctx, needs{kafka: true, clickhouse: true})
	if err != nil {
		return err
	}
	defer st.close()
	return st.report(ctx, os.Stdout)
}

// report checks every service and says what it found; the error says how many checks failed.
func (st *stack) report(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	checks, failed := 0, 0
	check := func(what string, try func() (string, error)) {
		checks++
		found, err := try()
		if err != nil {
			failed++
			fmt.Fprintf(out, "FAIL  %s: %v\n", what, err)
			return
		}
		fmt.Fprintf(out, "ok    %s: %s\n", what, found)
	}
	check("clickhouse", func() (string, error) {
		v, err := st.conn.ServerVersion()
		if err != nil {
			return "", fmt.Errorf("%w: is it running, and are address, user and password right?", err)
		}
		return v.Version.String(), nil
	})
	check("schema", func() (string, error) {
		db := st.sqlDB()
		defer db.Close()
		have, want, err := schema.Versions(ctx, db)
		if err == nil && have != want {
			err = fmt.Errorf("version %d, this program wants %d: run `kaskad migrate`", have, want)
		}
		return fmt.Sprint("version ", have), err
	})
	check("kafka", func() (string, error) {
		return strings.Join(st.brokers, ", "), ingest.Check(ctx, st.brokers, st.dialer, st.kafka.Topic)
	})
	check("lag", func() (string, error) {
		lag, err := ingest.Lag(ctx, st.brokers, st.dialer, st.kafka.Group, st.kafka.Topic)
		return fmt.Sprintf("%d events behind", lag.Total), err
	})
	check("facts", func() (string, error) {
		lost, err := schema.ReadLosses(ctx, st.conn)
		if err != nil {
			return "", err
		}
		return "none are lost", lost.Err()
	})
	if st.disk != nil {
		check("disk", func() (string, error) {
			u := st.disk.Usage()
			return fmt.Sprintf("%s, %d of %d MB free", u.State, u.Free>>20, u.Total>>20), st.disk.Err()
		})
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, checks)
	}
	return nil
}

func askReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	fmt.Println(strings.TrimSpace(string(body)))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", url, response.Status)
	}
	return nil
}
