package aggregate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/schema"
)

// oddAccount has all that a parameter of a statement could stumble over.
const oddAccount = "o'hara\\t\t\nick\x00{a:String}"

// notifyRig is a feed and what tells it.
type notifyRig struct {
	t        testing.TB
	conn     driver.Conn
	registry *prometheus.Registry
	log      *lockedLog
	seq      uint64
}

type lockedLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newNotifyRig(t testing.TB) *notifyRig {
	t.Helper()
	return &notifyRig{t: t, conn: connect(t), log: &lockedLog{}, seq: uint64(noon.UnixMicro())}
}

// aggregator is one of a new process, as far as metrics go.
func (r *notifyRig) aggregator(cfg Config, deps Deps) *Aggregator {
	r.registry = prometheus.NewRegistry()
	cfg.Registerer, cfg.Exclusive, cfg.Logger = r.registry, true, slog.New(slog.NewTextHandler(r.log, nil))
	if deps.Conn == nil {
		deps.Conn = r.conn
	}
	deps.Reject = noLetters
	return New(cfg, deps)
}

// follower is the only one of a new process.
func (r *notifyRig) follower(cfg Config, deps Deps) *follower {
	r.t.Helper()
	all := r.aggregator(cfg, deps).followers()
	if len(all) != 1 {
		r.t.Fatalf("%d followers, want 1", len(all))
	}
	return all[0]
}

// change adds n changes of numbers of the accounts to the feed, in one block as a round does, and returns them.
func (r *notifyRig) change(n int, accounts ...string) []schema.NumberChange {
	r.t.Helper()
	added := make([]schema.NumberChange, n)
	for i := range added {
		r.seq += 1 + uint64(i%3)
		added[i] = schema.NumberChange{
			Account: accounts[(i/3)%len(accounts)], Number: fmt.Sprintf("+7900%07d", i%97), From: "suspect", To: "dead",
			Rule: "hard",
			AtMS: noon.UnixMilli() + int64(i), SeenMS: noon.UnixMilli() + 60_000 + int64(i), Seq: r.seq,
		}
	}
	if err := schema.InsertNumberChanges(r.t.Context(), r.conn, added); err != nil {
		r.t.Fatal(err)
	}
	return added
}

// metric is the value of a metric of a sink.
func (r *notifyRig) metric(name, sink string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "kaskad_aggregate_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); len(l) == 1 && l[0].GetName() == "sink" && l[0].GetValue() == sink {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	r.t.Fatalf("no metric %s{sink=%q}", name, sink)
	return 0
}

// place is what table notified says of a sink.
func (r *notifyRig) place(sink string) uint64 {
	return count(r.t, r.conn, "SELECT max(seq) FROM notified WHERE sink = '"+sink+"'")
}

// tellAll turns until all is told, without the rests after a refusal.
func tellAll(t testing.TB, f *follower) {
	t.Helper()
	for range 10_000 {
		f.resting = time.Time{}
		more, err := f.turn(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
	t.Fatal("there is always more to tell")
}

// heard is a sink that notes what it was told.
type heard struct {
	changes []schema.NumberChange
	batches int
	// They are asked before a batch is noted, and after; an error after is an acknowledgement that got lost.
	before, after func(batch []schema.NumberChange) error
}

func (h *heard) tell(_ context.Context, batch []schema.NumberChange) error {
	if h.before != nil {
		if err := h.before(batch); err != nil {
			return err
		}
	}
	h.changes = append(h.changes, batch...)
	h.batches++
	if h.after != nil {
		return h.after(batch)
	}
	return nil
}

func (h *heard) sink(byAccount bool) sink {
	return sink{name: "webhook", place: "webhook", byAccount: byAccount, batchBytes: topicBatchBytes,
		firstWait: time.Second, mostWait: time.Minute, tell: h.tell}
}

// mustHold checks that every change was told, and that for each number the first telling of its changes goes by their
// order and the last one told is the last.
func mustHold(t testing.TB, want, got []schema.NumberChange) {
	t.Helper()
	seen, newest, last := map[uint64]schema.NumberChange{}, map[string]uint64{}, map[string]uint64{}
	for _, c := range got {
		key := c.Account + c.Number
		if _, again := seen[c.Seq]; !again {
			if c.Seq < newest[key] {
				t.Fatalf("change %d of a number was first told after %d", c.Seq, newest[key])
			}
			newest[key] = c.Seq
		}
		seen[c.Seq], last[key] = c, c.Seq
	}
	for _, c := range want {
		if seen[c.Seq] != c {
			t.Fatalf("change %d was told as %+v, want %+v", c.Seq, seen[c.Seq], c)
		}
	}
	if len(seen) != len(want) {
		t.Fatalf("%d changes were told, want %d", len(seen), len(want))
	}
	for key, seq := range last {
		if seq != newest[key] {
			t.Fatalf("the last word on a number was %d, want %d", seq, newest[key])
		}
	}
}

func (h *heard) follower(r *notifyRig, cfg Config, deps Deps, byAccount bool) *follower {
	a := r.aggregator(cfg, deps)
	s := h.sink(byAccount)
	a.metrics.sink(s.name)
	return &follower{Aggregator: a, sink: s, poll: notifyPoll}
}

// Processes die at any place, acknowledgements get lost, endpoints refuse, the feed grows: everything is told, per
// number in order.
func TestFollower_Restarts(t *testing.T) {
	for _, byAccount := range []bool{true, false} {
		t.Run(fmt.Sprint("byAccount=", byAccount), func(t *testing.T) {
			r := newNotifyRig(t)
			random := rand.New(rand.NewPCG(7, 7))
			flaky := func([]schema.NumberChange) error {
				if random.IntN(4) == 0 {
					return errors.New("not now")
				}
				return nil
			}
			h := &heard{before: flaky, after: flaky}
			want := r.change(40, oddAccount, "a", "b")
			f := h.follower(r, Config{NotifyFromStart: true}, Deps{}, byAccount)
			restarts := 0
			for step := range 150 {
				if step%10 == 0 {
					want = append(want, r.change(1+random.IntN(1700), oddAccount, "a", "b", "c")...)
				}
				if random.IntN(6) == 0 {
					f = h.follower(r, Config{NotifyFromStart: true}, Deps{}, byAccount)
					restarts++
				}
				if random.IntN(12) == 0 { // another aggregator had the work in between
					if _, err := f.turn(t.Context(), false); err != nil {
						t.Fatal(err)
					}
				}
				f.resting = time.Time{}
				if _, err := f.turn(t.Context(), true); err != nil {
					t.Fatal(err)
				}
			}
			tellAll(t, f)
			mustHold(t, want, h.changes)
			if got := r.place("webhook"); got != r.seq {
				t.Errorf("the place is %d, want the feed's end %d", got, r.seq)
			}
			if len(h.changes) == len(want) || restarts == 0 {
				t.Errorf("%d restarts and nothing was told twice: the test tests nothing", restarts)
			}
			if lag := r.metric("notify_lag", "webhook"); lag != 0 {
				t.Errorf("lag %v after all was told", lag)
			}
		})
	}
}

// A long backlog is read window by window.
func TestFollower_Windows(t *testing.T) {
	r := newNotifyRig(t)
	want := r.change(notifyWindow+notifyWindow/2, "a", "b")
	h := &heard{}
	f := h.follower(r, Config{NotifyFromStart: true}, Deps{}, false)
	if _, err := f.turn(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if lag := r.metric("notify_lag", "webhook"); lag != float64(len(want)-notifyBatch) {
		t.Errorf("lag %v after the first batch of %d changes", lag, len(want))
	}
	tellAll(t, f)
	mustHold(t, want, h.changes)
	if h.batches != 30 || len(h.changes) != len(want) {
		t.Errorf("%d batches of %d changes, want 30 of %d", h.batches, len(h.changes), len(want))
	}
	if n := r.metric("notified_total", "webhook"); n != float64(len(want)) {
		t.Errorf("notified_total %v, want %d", n, len(want))
	}
}

// A sink is told from now on, or from the start, and a known one goes on where it was in either case.
func TestFollower_WhereItBegins(t *testing.T) {
	r := newNotifyRig(t)
	old := r.change(10, "a")
	fromNow, fromStart := &heard{}, &heard{}
	now := fromNow.follower(r, Config{}, Deps{}, true)
	tellAll(t, now)
	if len(fromNow.changes) != 0 || r.place("webhook") != r.seq {
		t.Fatalf("a new sink was told %d old changes, and its place is %d", len(fromNow.changes), r.place("webhook"))
	}
	start := fromStart.follower(r, Config{NotifyFromStart: true}, Deps{}, true)
	start.sink.place = "kafka/x"
	tellAll(t, start)
	mustHold(t, old, fromStart.changes)

	// It changes before the process that found the sink was told anything.
	fresh := r.change(5, "a")
	tellAll(t, fromNow.follower(r, Config{}, Deps{}, true))
	mustHold(t, fresh, fromNow.changes)
	tellAll(t, fromNow.follower(r, Config{NotifyFromStart: true}, Deps{}, true))
	if len(fromNow.changes) != len(fresh) {
		t.Error("--notify-from-start told a known sink again")
	}
}

// unstoredConn fails the insert of the place, as if the process died before.
type unstoredConn struct {
	driver.Conn
	fail bool
}

func (c *unstoredConn) Exec(ctx context.Context, query string, args ...any) error {
	if c.fail && strings.HasPrefix(query, "INSERT INTO notified") {
		return errors.New("killed")
	}
	return c.Conn.Exec(ctx, query, args...)
}

// The end comes between the acknowledgement and the place: the same batch is told again, and once the place is stored
// it is not.
func TestFollower_CrashBeforeThePlaceIsStored(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{}
	conn := &unstoredConn{Conn: r.conn}
	f := h.follower(r, Config{}, Deps{Conn: conn}, true)
	tellAll(t, f)
	before := r.place("webhook")
	want := r.change(30, "a")
	conn.fail = true
	if _, err := f.turn(t.Context(), true); err == nil || h.batches != 1 {
		t.Fatalf("%d batches, error %v", h.batches, err)
	}
	if r.place("webhook") != before {
		t.Fatal("the place moved although it could not be stored")
	}
	// The same process stores it as soon as it can, and tells nothing twice.
	conn.fail = false
	tellAll(t, f)
	if h.batches != 1 || r.place("webhook") != r.seq {
		t.Fatalf("%d batches, place %d, want 1 and %d", h.batches, r.place("webhook"), r.seq)
	}
	want = append(want, r.change(7, "a")...)
	conn.fail = true
	if _, err := f.turn(t.Context(), true); err == nil {
		t.Fatal("the place was stored")
	}
	conn.fail = false
	tellAll(t, h.follower(r, Config{}, Deps{}, true))
	if h.batches != 3 || len(h.changes) != 30+7+7 {
		t.Errorf("%d batches of %d changes, want the last 7 twice", h.batches, len(h.changes))
	}
	mustHold(t, want, h.changes)
	if r.place("webhook") != r.seq {
		t.Error("the place is not the feed's end")
	}
}

// A process that is told to end keeps the place of what it was acknowledged.
func TestFollower_EndsInOrder(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{}
	tellAll(t, h.follower(r, Config{}, Deps{}, true))
	r.change(5, "a")
	ctx, cancel := context.WithCancel(t.Context())
	h.after = func([]schema.NumberChange) error { cancel(); return nil }
	if _, err := h.follower(r, Config{}, Deps{}, true).turn(ctx, true); err != nil {
		t.Fatal(err)
	}
	if got := r.place("webhook"); got != r.seq {
		t.Errorf("the place is %d, want %d", got, r.seq)
	}
}

// A number that is erased while the sink does not listen is not told any more.
func TestFollower_Erased(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{before: func([]schema.NumberChange) error { return errors.New("not now") }}
	f := h.follower(r, Config{NotifyFromStart: true}, Deps{}, true)
	all := r.change(9, "a")
	if more, err := f.turn(t.Context(), true); !more || err != nil {
		t.Fatal(more, err)
	}
	if err := r.conn.Exec(t.Context(), "ALTER TABLE number_changes DELETE WHERE number = $1 SETTINGS mutations_sync = 2", all[4].Number); err != nil {
		t.Fatal(err)
	}
	h.before = nil
	tellAll(t, f)
	mustHold(t, append(all[:4:4], all[5:]...), h.changes)
}

// Waits grow from firstWait to mostWait, and begin anew after an acknowledgement.
func TestFollower_Waits(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{before: func([]schema.NumberChange) error { return errors.New("not now") }}
	f := h.follower(r, Config{NotifyFromStart: true}, Deps{}, true)
	r.change(1, "a")
	for try := range 9 {
		f.resting = time.Time{}
		if more, err := f.turn(t.Context(), true); !more || err != nil {
			t.Fatal(more, err)
		}
		base := min(time.Second<<try, time.Minute)
		if wait := time.Until(f.resting); wait > base*5/4 || wait < base*3/4-time.Second {
			t.Errorf("after try %d it waits %v, want about %v", try+1, wait, base)
		}
	}
	// It does rest.
	if more, err := f.turn(t.Context(), true); !more || err != nil ||
		r.metric("notify_failures_total", "webhook") != 9 {
		t.Errorf("%v %v, %v failures", more, err, r.metric("notify_failures_total", "webhook"))
	}
	h.before = nil
	tellAll(t, f)
	if f.tries != 0 || r.metric("notify_failures_total", "webhook") != 9 || r.metric("notified_total", "webhook") != 1 {
		t.Errorf("tries %d, failures %v, notified %v", f.tries, r.metric("notify_failures_total", "webhook"),
			r.metric("notified_total", "webhook"))
	}
}

func TestSink_Cut(t *testing.T) {
	var changes []schema.NumberChange
	for i := range 2500 {
		account := "a"
		if i%10 == 9 {
			account = "b"
		}
		changes = append(changes, schema.NumberChange{Account: account, Number: "+79001234567", Seq: uint64(i + 1)})
	}
	sizes := func(s sink) (all []int) {
		first := uint64(0)
		for _, b := range s.cut(changes) {
			if b[0].Seq <= first {
				t.Error("batches are not ordered by their first change")
			}
			first = b[0].Seq
			all = append(all, len(b))
			for _, c := range b {
				if s.byAccount && c.Account != b[0].Account {
					t.Error("a batch holds two accounts")
				}
			}
		}
		return all
	}
	if got := fmt.Sprint(sizes(sink{batchBytes: topicBatchBytes})); got != "[1000 1000 500]" {
		t.Errorf("batches of %s", got)
	}
	if got := fmt.Sprint(sizes(sink{batchBytes: topicBatchBytes, byAccount: true})); got != "[1000 250 1000 250]" {
		t.Errorf("batches by account of %s", got)
	}
	for _, b := range (&sink{batchBytes: webhookBatchBytes, byAccount: true}).cut(changes) {
		if request, err := testWebhook(t, "http://127.0.0.1:1").request(t.Context(), b, noon); err != nil ||
			request.ContentLength > 100_000 {
			t.Fatalf("a body of %d bytes: %v", request.ContentLength, err)
		}
	}
}
