package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"kaskad/cmd/kaskad/output"
)

// statusSpan is how far back the throughput looks, in looks at the server.
const statusSpan = 30

type statusCommand struct {
	Watch  bool          `help:"Look again and again also when standard output is no terminal, a line of JSON each time."`
	Once   bool          `help:"Look once also on a terminal."`
	Every  time.Duration `help:"How often to look." default:"2s"`
	Format string        `help:"text, or json as the API gives it; by default text on a terminal, json elsewhere." enum:",text,json" default:"" placeholder:"FORMAT"`
	ServerAddress
}

// Help says what there is to see.
func (*statusCommand) Help() string {
	return `How the service is: what waits in the topic, how old the reports are, how many events come, whether all of
them are accounted for. On a terminal it goes on until q or Ctrl-C; elsewhere it is one answer of GET /v1/status. It
needs an admin key of all accounts.

    kaskad status
    kaskad status --once --format json | jq .balance`
}

// shownStatus is what is shown of GET /v1/status.
type shownStatus struct {
	Kafka struct {
		Brokers []string
		Topic   string
	}
	Balance struct {
		Consumed, Stored, Rejected, Parked, Empty uint64
		InFlight                                  uint64 `json:"in_flight"`
	}
	LagEvents      *int64       `json:"lag_events"`
	LagSeconds     *json.Number `json:"lag_seconds"`
	AsOf           *string      `json:"as_of"`
	PendingBuckets uint64       `json:"pending_buckets"`
	PendingNumbers uint64       `json:"pending_numbers"`
	Now            string
	Engine         struct {
		Version  string
		Embedded bool
	}
	Disk *struct {
		State      string
		FreeBytes  uint64 `json:"free_bytes"`
		TotalBytes uint64 `json:"total_bytes"`
	}
	Losses struct {
		Hours []json.RawMessage
	}
	Audit struct {
		Hours, Differences uint64
	}
}

// Run looks once or goes on.
func (c *statusCommand) Run(ctx context.Context) error {
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	form := cmp.Or(c.Format, map[bool]string{true: "text", false: "json"}[terminal])
	switch {
	case c.Watch && c.Once:
		return errors.New("--watch: goes without --once")
	case c.Every < 100*time.Millisecond:
		return errors.New("--every: must be 100ms or more")
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	w := &statusWatch{server: server, out: os.Stdout, now: time.Now}
	if terminal && form == "text" && !c.Once {
		return w.live(ctx, c.Every)
	}
	for {
		body, seen, err := w.look(ctx)
		if err != nil {
			return err
		}
		if form == "text" {
			body = []byte(strings.Join(w.lines(seen), "\n"))
		}
		if _, err := w.out.Write(append(body, '\n')); err != nil {
			return fmt.Errorf("print the status: %w", err)
		}
		if !c.Watch {
			return nil
		}
		if err := pause(ctx, c.Every); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(span):
		return nil
	}
}

// statusWatch looks at a server and remembers what it saw before.
type statusWatch struct {
	server *API
	out    io.Writer
	now    func() time.Time
	seen   []statusSample
}

type statusSample struct {
	at       time.Time
	consumed uint64
}

// look asks the server.
func (w *statusWatch) look(ctx context.Context) (body []byte, seen *shownStatus, err error) {
	if body, err = w.server.Send(ctx, http.MethodGet, "/v1/status", nil); err != nil {
		return nil, nil, err
	}
	seen = &shownStatus{}
	if err := json.Unmarshal(body, seen); err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", w.server.address, err)
	}
	sample := statusSample{w.now(), seen.Balance.Consumed}
	if n := len(w.seen); n > 0 && sample.consumed < w.seen[n-1].consumed {
		w.seen = nil // Another process counts, or another database.
	}
	w.seen = append(w.seen, sample)
	w.seen = w.seen[max(0, len(w.seen)-statusSpan-1):]
	return bytes.TrimSpace(body), seen, nil
}

// rates are events a second from each look to the next.
func (w *statusWatch) rates() (rates []float64) {
	for i := 1; i < len(w.seen); i++ {
		before, after := w.seen[i-1], w.seen[i]
		if span := after.at.Sub(before.at).Seconds(); span > 0 {
			rates = append(rates, float64(after.consumed-before.consumed)/span)
		}
	}
	return rates
}

// throughput says how many events a second were consumed since the first look that is remembered.
func (w *statusWatch) throughput() string {
	rates := w.rates()
	if len(rates) == 0 {
		return output.Unknown
	}
	first, last := w.seen[0], w.seen[len(w.seen)-1]
	span := last.at.Sub(first.at)
	mean := float64(last.consumed-first.consumed) / span.Seconds()
	most := max(1, slices.Max(rates))
	var spark strings.Builder
	for _, rate := range rates {
		spark.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(7*rate/most)])
	}
	return fmt.Sprintf("%s events/s over %s  %s", output.Thousands(uint64(mean+0.5)), span.Round(time.Second),
		spark.String())
}

// lines show a status.
func (w *statusWatch) lines(s *shownStatus) []string {
	b := &s.Balance
	known := func(n *int64) string {
		if n == nil {
			return output.Unknown
		}
		return output.Grouped(fmt.Sprint(*n))
	}
	fresh := "nothing is published yet"
	if s.LagSeconds != nil && s.AsOf != nil {
		fresh = fmt.Sprintf("%s s behind, as of %s", *s.LagSeconds, shortTime(s.AsOf))
	}
	sum := b.Stored + b.Rejected + b.Parked + b.InFlight + b.Empty
	sign, note := "=", ""
	if sum != b.Consumed {
		sign, note = "≠", "  does not balance: look again, then docs/operations.md"
	}
	disk := "not measured here"
	if s.Disk != nil {
		disk = fmt.Sprintf("%s, %s of %s MB free", s.Disk.State, output.Thousands(s.Disk.FreeBytes>>20),
			output.Thousands(s.Disk.TotalBytes>>20))
	}
	lost := "none"
	if n := len(s.Losses.Hours); n > 0 {
		lost = fmt.Sprintf("%d hours: see `kaskad reread`", n)
	}
	engine := "ClickHouse " + s.Engine.Version
	if s.Engine.Embedded {
		engine += ", embedded"
	}
	shown := func(name, text string) string { return fmt.Sprintf("  %-11s %s", name, output.Printable(text)) }
	return []string{
		fmt.Sprintf("kaskad at %s, %s", w.server.address, shortTime(&s.Now)),
		shown("lag", known(s.LagEvents)+" events in the topic"),
		shown("reports", fresh),
		shown("throughput", w.throughput()),
		shown("waiting", fmt.Sprintf("%s buckets to publish, %s numbers to judge", output.Thousands(s.PendingBuckets),
			output.Thousands(s.PendingNumbers))),
		shown("consumed", output.Thousands(b.Consumed)),
		shown("", fmt.Sprintf("%s %s stored + %s rejected + %s parked + %s in flight + %s empty%s", sign,
			output.Thousands(b.Stored), output.Thousands(b.Rejected), output.Thousands(b.Parked),
			output.Thousands(b.InFlight),
			output.Thousands(b.Empty), note)),
		shown("lost", lost),
		shown("audit", fmt.Sprintf("%s hours compared with facts, %s differences", output.Thousands(s.Audit.Hours),
			output.Thousands(s.Audit.Differences))),
		shown("disk", disk),
		shown("services", fmt.Sprintf("%s; Kafka %s, topic %s", engine, strings.Join(s.Kafka.Brokers, ", "),
			s.Kafka.Topic)),
	}
}

// live shows the status in place until q, Ctrl-C or the end of ctx.
func (w *statusWatch) live(ctx context.Context, every time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		// Keys come one by one, and Ctrl-C as one of them.
		before, err := term.MakeRaw(in)
		if err != nil {
			return fmt.Errorf("read keys from the terminal: %w", err)
		}
		defer func() { _ = term.Restore(in, before) }()
		go quitOnKey(os.Stdin, cancel)
	}
	frame := &liveFrame{out: w.out}
	frame.begin()
	defer frame.end()
	for {
		_, seen, err := w.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && refused(err):
			return err
		case err != nil:
			frame.draw([]string{w.server.address + " does not answer; trying again.", output.Printable(err.Error())})
		default:
			frame.draw(append(w.lines(seen), "", "q ends"))
		}
		if pause(ctx, every) != nil {
			return nil
		}
	}
}

// quitOnKey calls quit at the first q, Q, Ctrl-C or Ctrl-D, or when no more keys come.
func quitOnKey(in io.Reader, quit func()) {
	defer quit()
	key := make([]byte, 1)
	for {
		if _, err := in.Read(key); err != nil || strings.IndexByte("qQ\x03\x04", key[0]) >= 0 {
			return
		}
	}
}

// liveFrame draws lines over those before.
type liveFrame struct {
	out   io.Writer
	drawn int
}

// Escape sequences: cursor off and on, to the line's begin and up, erase to the end of line and of screen.
const (
	cursorOff, cursorOn  = "\x1b[?25l", "\x1b[?25h"
	eraseLine, eraseDown = "\x1b[K", "\x1b[J"
)

func (f *liveFrame) begin() { _, _ = io.WriteString(f.out, cursorOff) }

// end leaves the last lines where they are.
func (f *liveFrame) end() { _, _ = io.WriteString(f.out, cursorOn) }

// draw writes lines; those that the terminal has no room for would move the others, so they are cut.
func (f *liveFrame) draw(lines []string) {
	width := 80
	if out, isFile := f.out.(*os.File); isFile {
		if columns, rows, err := term.GetSize(int(out.Fd())); err == nil && columns > 0 && rows > 1 {
			width, lines = columns, lines[:min(len(lines), rows-1)]
		}
	}
	var screen strings.Builder
	if f.drawn > 0 {
		fmt.Fprintf(&screen, "\x1b[%dA", f.drawn)
	}
	for _, line := range lines {
		screen.WriteString("\r" + pretty.Snip(line, width, "…") + eraseLine + "\r\n")
	}
	screen.WriteString(eraseDown)
	f.drawn = len(lines)
	_, _ = io.WriteString(f.out, screen.String())
}
