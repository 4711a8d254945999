package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"kaskad/cmd/kaskad/output"
	"kaskad/ingest"
	"kaskad/simulate"
	"kaskad/simulate/model"
)

type simulateCommand struct {
	Out        string        `help:"Write NDJSON to this file (- for standard output) instead of Kafka; without it events go to --kafka, or to the kaskad that runs on --data." placeholder:"FILE"`
	Truth      string        `help:"Write the channel reports that must follow, computed by a separate in-memory model. Its latency percentiles are exact; those of a report are within 2 %." placeholder:"FILE"`
	Messages   int           `help:"Logical messages; each has 3.5 events or so." default:"100000"`
	Seed       uint64        `help:"Chooses the world: the same seed, flags, --start and --now give the same bytes." default:"1"`
	Start      string        `help:"Time of the first message, RFC 3339. By default midnight UTC two days ago." placeholder:"TIME"`
	Duration   time.Duration `help:"Span over which messages are submitted." default:"24h"`
	Accounts   int           `help:"Number of tenants." default:"6"`
	Rate       float64       `help:"Events per second at most; 0 is as fast as Kafka takes them." default:"0"`
	Duplicates float64       `help:"Share of events that come twice." default:"0.03"`
	Reordered  float64       `help:"Share of events that later ones overtake." default:"0.03"`
	Late       float64       `help:"Share of events that arrive a day late or more." default:"0.01"`
	NeverFinal float64       `help:"Share of attempts of which nothing more is heard." default:"0.03"`
	Poison     float64       `help:"Share of lines that must be refused." default:"0.0005"`
	attachSettings
}

func (c *simulateCommand) Run(ctx context.Context) error {
	config := simulate.DefaultConfig()
	config.Seed, config.Messages, config.Duration, config.Accounts = c.Seed, c.Messages, c.Duration, c.Accounts
	config.Duplicates, config.Reordered, config.Late, config.NeverFinal, config.Poison = c.Duplicates, c.Reordered,
		c.Late, c.NeverFinal, c.Poison
	now, _, err := c.clock()
	if err != nil {
		return err
	}
	config.Now = now()
	config.Start = config.Now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	if c.Start != "" {
		if config.Start, err = time.Parse(time.RFC3339Nano, c.Start); err != nil {
			return fmt.Errorf("--start: %q is not an RFC 3339 time such as 2026-11-20T00:00:00Z", c.Start)
		}
	}
	if c.Now != "" && c.Start == "" {
		config.Start = config.Now.Truncate(24*time.Hour).AddDate(0, 0, -2)
	}
	sim, err := simulate.New(config)
	if err != nil {
		return err
	}
	if err := c.play(ctx, sim); err != nil {
		return err
	}
	if c.Truth == "" {
		return nil
	}
	return c.writeTruth(sim)
}

func (c *simulateCommand) play(ctx context.Context, sim *simulate.Simulator) error {
	if c.Out != "" {
		return output.WriteFile(c.Out, func(w io.Writer) error {
			_, err := sim.WriteNDJSON(w)
			return err
		})
	}
	st, err := c.open(ctx, needs{kafka: true, attach: attachToLive})
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.ensureTopics(ctx); err != nil {
		return err
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: st.brokers, Topic: c.Topic, Dialer: st.dialer})
	if err != nil {
		return err
	}
	defer producer.Close()
	return playTo(ctx, sim, producer, c.Rate)
}

// playTo sends a world to Kafka and shows a progress bar.
func playTo(ctx context.Context, sim *simulate.Simulator, producer *ingest.Producer, rate float64) error {
	bar := newBar("playing events")
	lines, err := sim.Play(ctx, producer.Produce,
		simulate.Pace{Batch: 2000, PerSecond: rate, Progress: func(lines int64, done float64) {
			bar.Describe(fmt.Sprintf("playing events %9d", lines))
			_ = bar.Set(int(done * 1000))
		}})
	if err != nil {
		_ = bar.Exit()
		fmt.Fprintln(os.Stderr)
		return err
	}
	bar.Describe(fmt.Sprintf("played %d events", lines))
	_ = bar.Finish()
	fmt.Fprintln(os.Stderr)
	return nil
}

// newBar draws only on a terminal.
func newBar(what string) *progressbar.ProgressBar {
	var out io.Writer = os.Stderr
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		out = io.Discard
	}
	return progressbar.NewOptions(1000, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetRenderBlankState(true))
}

// modelOf plays the whole world into a model whose clock stands at the world's Now. It returns an error when the model
// takes a poison line for an event, or refuses an event: then one of both is wrong.
func modelOf(sim *simulate.Simulator) (*model.Model, error) {
	m := model.New(sim.Now())
	for ev := range sim.Events() {
		err := m.Add(ev.Line)
		switch {
		case err != nil && ev.Kind != simulate.Poison:
			return nil, fmt.Errorf("the model refuses %s: %w", ev.Line, err)
		case err == nil && ev.Kind == simulate.Poison:
			return nil, fmt.Errorf("the model accepts the poison %s", ev.Line)
		}
	}
	return m, nil
}

func (c *simulateCommand) writeTruth(sim *simulate.Simulator) error {
	m, err := modelOf(sim)
	if err != nil {
		return err
	}
	queries, err := model.TruthQueries()
	if err != nil {
		return err
	}
	name := c.Out
	if name == "" || name == "-" {
		name = "kafka:" + c.Topic
	}
	return output.WriteFile(c.Truth, func(w io.Writer) error { return m.WriteTruth(w, name, queries) })
}
