package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kaskad/cmd/kaskad/client"
	"kaskad/cmd/kaskad/datadir"
	"kaskad/cmd/kaskad/output"
	"kaskad/ingest"
	"kaskad/simulate"
)

type demoCommand struct {
	Data     string `help:"Directory of the demo's broker and ClickHouse." default:"data/demo" type:"path"`
	Reset    bool   `help:"Throw the demo's data away and start over."`
	Days     int    `help:"Days that are played; the last one is the day before yesterday." default:"14"`
	Messages int    `help:"Messages of all these days; each has 3.5 events or so." default:"100000"`
	Seed     uint64 `help:"Chooses the world." default:"1"`
	Listen   string `help:"Address of the HTTP API." default:"127.0.0.1:8080"`
	Auth     string `help:"Who may ask: off serves whoever reaches the loopback address, keys makes a key for each scope." enum:"keys,off" default:"off"`
	clockSettings
	logSettings
}

// demoState remembers which days a data directory holds, so that a second start shows them at once. After an
// interrupted start they are played again, and what was played before changes nothing.
type demoState struct {
	Seed     uint64 `json:"seed"`
	Messages int    `json:"messages"`
	// Start is the first of the days. A directory of a version that played one day has no Days.
	Start  time.Time `json:"start"`
	Days   int       `json:"days"`
	Played bool      `json:"played"`
}

// period selects the simulated days in a report.
func (s demoState) period() string { return s.last(s.Days) }

// last selects the last ones of the simulated days.
func (s demoState) last(days int) string {
	end := s.Start.AddDate(0, 0, s.Days)
	return fmt.Sprintf("from=%s&to=%s&tz=%s", end.AddDate(0, 0, -days).Format(time.DateOnly),
		end.Format(time.DateOnly), s.zone())
}

// zone is that of the simulated days: of more than one Moscow's, as most of those live by it who get the messages.
func (s demoState) zone() string {
	if s.Days > 1 {
		return "Europe/Moscow"
	}
	return "UTC"
}

// begin is when the simulated days begin.
func (s demoState) begin() time.Time {
	if s.Days > 1 {
		return s.Start.Add(-3 * time.Hour)
	}
	return s.Start
}

// middle is when prices change, in the middle of more days than one.
func (s demoState) middle() time.Time { return s.begin().AddDate(0, 0, s.Days/2) }

const (
	demoFile = "demo.json"
	demoLog  = "kaskad.log"
	// mostDemoDays is what the page shows at first, from the day before yesterday on.
	mostDemoDays = 28
)

func (c *demoCommand) Run(ctx context.Context) error {
	listen := listenSettings{Listen: c.Listen, Auth: c.Auth}
	if err := listen.check(); err != nil {
		return err
	}
	if c.Days < 1 || c.Days > mostDemoDays {
		return fmt.Errorf("--days: %d is outside 1…%d", c.Days, mostDemoDays)
	}
	if c.Reset {
		if err := c.reset(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	state, err := c.state()
	if err != nil {
		return err
	}
	kafka := kafkaSettings{Topic: ingest.DefaultTopic, DeadLetterTopic: ingest.DefaultDeadLetterTopic,
		Group: ingest.DefaultGroup, TopicPartitions: 12, TopicReplication: 1}
	r := roles{ingest: true, aggregate: true, serve: true}
	// The log goes to a file: on the screen it would tear the progress bars.
	log, err := os.OpenFile(filepath.Join(c.Data, demoLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW,
		0o600)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	defer log.Close()
	n := r.needs()
	n.login = c.Auth == authKeys
	st, err := openStack(ctx, n, c.Data, c.loggerTo(log), c.clockSettings, kafka, storeSettings{})
	if err != nil {
		return err
	}
	defer st.close()
	played := make(chan error, 1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &process{stack: st, roles: r, listen: listen}
	p.ready = func(address string, producer *ingest.Producer) {
		if _, err := st.writeRunning(c.Data, address, false); err != nil {
			cancel(err)
			return
		}
		go func() {
			err := c.play(ctx, st, state, address, producer)
			if err != nil && ctx.Err() == nil {
				cancel(err)
			}
			played <- err
		}()
	}
	stopped := context.AfterFunc(ctx, func() { fmt.Fprintln(os.Stderr, "\nstopping…") })
	err = p.run(ctx)
	stopped()
	_ = os.Remove(filepath.Join(c.Data, datadir.RunningFile))
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if err == nil {
		fmt.Fprintln(os.Stderr, "stopped; everything is kept in", c.Data)
	}
	return err
}

// reset removes a directory that a demo made, and no other.
func (c *demoCommand) reset() error {
	if _, err := os.Stat(c.Data); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(c.Data, demoFile)); err != nil {
		return fmt.Errorf("--reset: %s holds no demo (%w): remove it yourself if you mean it", c.Data, err)
	}
	if _, ok := datadir.ReadRunning(c.Data); ok {
		return fmt.Errorf("--reset: a demo is running on %s: end it first", c.Data)
	}
	return os.RemoveAll(c.Data)
}

func (c *demoCommand) state() (demoState, error) {
	now, _, err := c.clock()
	if err != nil {
		return demoState{}, err
	}
	state := demoState{Seed: c.Seed, Messages: c.Messages, Days: c.Days,
		Start: now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1-c.Days)}
	body, err := os.ReadFile(filepath.Join(c.Data, demoFile))
	if errors.Is(err, os.ErrNotExist) {
		return state, c.save(state)
	}
	if err != nil {
		return state, fmt.Errorf("read the demo's state: %w", err)
	}
	var old demoState
	if err := json.Unmarshal(body, &old); err != nil {
		return state, fmt.Errorf("%s: %w: start over with --reset", filepath.Join(c.Data, demoFile), err)
	}
	if old.Days == 0 {
		return state, fmt.Errorf("%s holds the demo of an older version, which had a single day: start over with "+
			"--reset, or use another --data", c.Data)
	}
	if old.Seed != c.Seed || old.Messages != c.Messages || old.Days != c.Days {
		return state, fmt.Errorf("%s holds %d days of seed %d with %d messages: use these, another --data, or --reset",
			c.Data, old.Days, old.Seed, old.Messages)
	}
	if !old.Played {
		fmt.Fprintln(os.Stderr, "The last start ended before all was played: it is played again from its "+
			"beginning. No report counts anything twice; /v1/status counts every line that came.")
	}
	return old, nil
}

func (c *demoCommand) save(state demoState) error {
	return output.WriteFile(filepath.Join(c.Data, demoFile),
		func(w io.Writer) error { return json.NewEncoder(w).Encode(state) })
}

// world is what the days are played from.
func (s demoState) world(now time.Time) simulate.Config {
	config := simulate.DefaultConfig()
	config.Seed, config.Messages, config.Start, config.Now = s.Seed, s.Messages, s.begin(), now
	config.Duration, config.Life = time.Duration(s.Days)*24*time.Hour, s.Days > 1
	return config
}

// play sends the days through Kafka, waits until the reports show all of them, and says where to look.
func (c *demoCommand) play(ctx context.Context, st *stack, state demoState, address string,
	producer *ingest.Producer) error {
	key := ""
	if c.Auth == authKeys {
		var err error
		if key, err = readAdminKey(c.Data); err != nil {
			return err
		}
	}
	server := client.New("http://"+address, key)
	if !state.Played {
		sim, err := simulate.New(state.world(st.now()))
		if err != nil {
			return err
		}
		if state.Days > 1 {
			if err := putAlerts(ctx, server, sim.Accounts()); err != nil {
				return err
			}
		}
		if err := playTo(ctx, sim, producer, 0); err != nil {
			return err
		}
	}
	if err := c.settle(ctx, st, "storing events and computing reports"); err != nil {
		return err
	}
	if err := prepareAccounts(ctx, server, state); err != nil {
		return err
	}
	// The verdicts that are told are those by this error map.
	if err := c.settle(ctx, st, "deciding on numbers"); err != nil {
		return err
	}
	states, err := st.numberStates(ctx)
	if err != nil {
		return err
	}
	if !state.Played {
		if err := st.findAlerts(ctx, state); err != nil {
			return err
		}
		state.Played = true
		if err := c.save(state); err != nil {
			return err
		}
	}
	if err := c.greet(ctx, server, state, states, time.Since(st.started)); err != nil || key == "" {
		return err
	}
	return c.showKeys(ctx, server, state)
}

// settle waits until everything in the topic is in the reports, and every verdict that was asked for is decided.
func (c *demoCommand) settle(ctx context.Context, st *stack, what string) error {
	bar, first := newBar(what), int64(0)
	quiet := true
	for {
		lag, err := ingest.Lag(ctx, st.brokers, st.dialer, st.kafka.Group, st.kafka.Topic)
		if err != nil {
			return err
		}
		var open uint64
		// Touches before numbers: a touch is closed when its numbers are noted.
		var waiting uint64
		if err := st.conn.QueryRow(ctx, "SELECT count() FROM (SELECT 1 FROM touched GROUP BY account, bucket, id "+
			"HAVING sum(sign) > 0)").Scan(&open); err != nil {
			return fmt.Errorf("look for work: %w", err)
		}
		if err := st.conn.QueryRow(ctx, "SELECT count() FROM numbers_touched WHERE generation > (SELECT "+
			"max(generation) FROM numbers_done)").Scan(&waiting); err != nil {
			return fmt.Errorf("look for work: %w", err)
		}
		if lag.Total == 0 && open == 0 && waiting == 0 {
			break
		}
		quiet = false
		first = max(first, lag.Total)
		if first > 0 {
			_ = bar.Set(int(1000 * (first - lag.Total) / (first + 1)))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	if !quiet {
		_ = bar.Finish()
	}
	fmt.Fprintln(os.Stderr)
	return nil
}

func (c *demoCommand) greet(ctx context.Context, server *client.API, state demoState, states map[string]uint64,
	took time.Duration) error {
	url, period := server.Address(), state.period()
	fmt.Printf("Kaskad is up: open %s in a browser (after %.1f s). It has %d simulated messages of %s.\n",
		url, took.Seconds(), state.Messages, state.days())
	if state.Days > 1 {
		fmt.Printf("What has changed since the days before: %s/?%s&compare=1\n", url, state.last(state.Days/2))
	}
	fmt.Println()
	if err := printChannels(ctx, os.Stdout, server, period); err != nil {
		return err
	}
	fmt.Print("\nWhat did the cascades save against plain SMS?\n\n")
	if err := printSavings(ctx, os.Stdout, server, period); err != nil {
		return err
	}
	fmt.Print("\nWho can be reached where, and which numbers are dead?\n\n")
	if err := printReach(ctx, os.Stdout, server, period, states, state.Days); err != nil {
		return err
	}
	fmt.Printf(`
The same as tables of any report, by any names; and the state of the service, live:
  bin/kaskad report channels --data %[3]s; bin/kaskad report savings --data %[3]s --group-by campaign
  bin/kaskad status --data %[3]s

With every figure, numerator and denominator; savings by campaign:
  curl -s '%[1]s/v1/reports/channels?%[2]s&format=csv'
  curl -s '%[1]s/v1/reports/savings?%[2]s&group_by=campaign&format=csv'

What would it have been at other prices? Change the file, import it, and ask again:
  bin/kaskad tariffs export lavka.yaml --account lavka --data %[3]s
  bin/kaskad tariffs import lavka.yaml --account lavka --data %[3]s
  curl -s '%[1]s/v1/reports/savings?%[2]s&account=lavka'

What would push for half of the people save on a million messages? From how many segments on does a WhatsApp dialog pay?
  curl -s %[1]s/v1/forecasts/savings --json '{"messages":1000000,"penetration":"0.5","delivery_rate":"0.8",
    "sms_segments":2,"sms_price":"2.00","channel_price":"0.36","billing":"per_message_delivered"}'
  curl -s '%[1]s/v1/forecasts/break-even?channel_price=4.50&sms_price=2.00'

When do people of each account read what comes over Viber? By hour of the day:
  curl -s '%[1]s/v1/reports/channels?%[2]s&group_by=account,hour_of_day&channel=viber'

Before a mailing: which numbers are dead, and why? What changed since last time? Where do failures come from, and what
was spent on dead numbers?
  bin/kaskad numbers dead --data %[3]s; bin/kaskad numbers check +79161234567 --account lavka --data %[3]s
  curl -s '%[1]s/v1/numbers/changes?limit=5'
  curl -s '%[1]s/v1/reports/failures?%[2]s&format=csv'; curl -s '%[1]s/v1/reports/dead-spend?%[2]s'

Is everything counted, how fresh is it, and what was refused?
  curl -s '%[1]s/v1/status'; curl -s '%[1]s/v1/rejected?limit=3'

Ctrl-C ends it; nothing is lost. Start over with: bin/kaskad demo --reset --data %[3]s
`, url, period, c.shownData())
	return nil
}

// days are the simulated days in words.
func (s demoState) days() string {
	if s.Days == 1 {
		return s.Start.Format(time.DateOnly)
	}
	return fmt.Sprintf("the %d days %s … %s", s.Days, s.Start.Format(time.DateOnly),
		s.Start.AddDate(0, 0, s.Days-1).Format(time.DateOnly))
}

// shownData is the data directory as a person would type it.
func (c *demoCommand) shownData() string {
	here, err := os.Getwd()
	if err != nil {
		return c.Data
	}
	if relative, err := filepath.Rel(here, c.Data); err == nil && !strings.HasPrefix(relative, "..") {
		return relative
	}
	return c.Data
}

// printChannels prints a channel report as a table that can be read at a glance.
func printChannels(ctx context.Context, out io.Writer, server *client.API, query string) error {
	var report struct {
		Rows []struct {
			Channel      string
			Sent         int64    `json:"delivery_den"`
			DeliveryRate *float64 `json:"delivery_rate"`
			OpenRate     *float64 `json:"open_rate"`
			OpenLow      *float64 `json:"open_rate_low"`
			OpenHigh     *float64 `json:"open_rate_high"`
			Bound        *string  `json:"open_rate_bound"`
		}
	}
	if err := server.Read(ctx, "/v1/reports/channels?"+query, &report); err != nil {
		return err
	}
	fmt.Fprintf(out, "  %-11s %8s %10s  %-22s\n", "channel", "sent", "delivered", "read, of delivered (95 %)")
	for _, r := range report.Rows {
		fmt.Fprintf(out, "  %-11s %8d %10s  ", r.Channel, r.Sent, percent(r.DeliveryRate))
		if r.OpenRate == nil || r.Bound == nil || r.OpenLow == nil || r.OpenHigh == nil {
			fmt.Fprintln(out, "not reported by this channel")
			continue
		}
		sign := map[string]string{"lower": "≥ ", "upper": "≤ "}[*r.Bound]
		fmt.Fprintf(out, "%-20s %2s%s (%s…%s)\n", strings.Repeat("█", int(*r.OpenRate*20+0.5)), sign,
			percent(r.OpenRate), percent(r.OpenLow), percent(r.OpenHigh))
	}
	fmt.Fprintln(out, "\n  sent: on routes that report deliveries (push by FCM or APNs and Telegram bots do not). "+
		"delivered: of sent. ≥: readers can switch"+
		"\n  receipts off. ≤: mail programs fetch pictures by themselves. In brackets the 95 % interval.")
	return nil
}

func percent(rate *float64) string {
	if rate == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", *rate*100)
}
