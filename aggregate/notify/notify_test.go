package notify

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

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

// oddAccount has all that a parameter of a statement could stumble over.
const oddAccount = "o'hara\\t\t\nick\x00{a:String}"

func TestMain(m *testing.M) { enginetest.Main(m) }

var noon = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// notifyRig is a feed and what announces it.
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
	return &notifyRig{t: t, conn: schematest.Conn(t), log: &lockedLog{}, seq: uint64(noon.UnixMicro())}
}

// deps are those of a new process, as far as metrics go.
func (r *notifyRig) deps(deps Deps) Deps {
	r.registry = prometheus.NewRegistry()
	deps.Registerer, deps.Logger = r.registry, slog.New(slog.NewTextHandler(r.log, nil))
	return deps
}

// announcer is the only one of a new process.
func (r *notifyRig) announcer(cfg Config, deps Deps) *Announcer {
	r.t.Helper()
	deps.Conn = r.conn
	all := New(cfg, r.deps(deps))
	if len(all) != 1 {
		r.t.Fatalf("%d announcers, want 1", len(all))
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

// position is what table notified says of a sink.
func (r *notifyRig) position(sink string) (seq uint64) {
	r.t.Helper()
	if err := r.conn.QueryRow(r.t.Context(), "SELECT max(seq) FROM notified WHERE sink = $1", sink).
		Scan(&seq); err != nil {
		r.t.Fatal(err)
	}
	return seq
}

// announceAll turns until all is announced, without the rests after a refusal.
func announceAll(t testing.TB, a *Announcer) {
	t.Helper()
	for range 10_000 {
		a.restUntil = time.Time{}
		more, err := a.turn(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
	t.Fatal("there is always more to announce")
}

// heard is a sink that notes what was announced to it.
type heard struct {
	changes []schema.NumberChange
	batches int
	// They are asked before a batch is noted, and after; an error after is an acknowledgement that got lost.
	before, after func(batch []schema.NumberChange) error
}

func (h *heard) announce(_ context.Context, batch []schema.NumberChange) error {
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
	return sink{name: "webhook", positionName: "webhook", byAccount: byAccount, batchBytes: topicBatchBytes,
		longestRetry: time.Minute, announce: h.announce}
}

// mustHold checks that every change was announced, and that for each number its changes are first announced in their
// order and the last one announced is the last.
func mustHold(t testing.TB, want, got []schema.NumberChange) {
	t.Helper()
	seen, newest, last := map[uint64]schema.NumberChange{}, map[string]uint64{}, map[string]uint64{}
	for _, c := range got {
		key := c.Account + c.Number
		if _, again := seen[c.Seq]; !again {
			if c.Seq < newest[key] {
				t.Fatalf("change %d of a number was first announced after %d", c.Seq, newest[key])
			}
			newest[key] = c.Seq
		}
		seen[c.Seq], last[key] = c, c.Seq
	}
	for _, c := range want {
		if seen[c.Seq] != c {
			t.Fatalf("change %d was announced as %+v, want %+v", c.Seq, seen[c.Seq], c)
		}
	}
	if len(seen) != len(want) {
		t.Fatalf("%d changes were announced, want %d", len(seen), len(want))
	}
	for key, seq := range last {
		if seq != newest[key] {
			t.Fatalf("the last word on a number was %d, want %d", seq, newest[key])
		}
	}
}

func (h *heard) announcer(r *notifyRig, cfg Config, conn driver.Conn, byAccount bool) *Announcer {
	cfg.OnStep = func(string) {}
	deps := r.deps(Deps{Conn: conn})
	return newAnnouncer(cfg, deps, newMetrics(deps.Registerer), h.sink(byAccount))
}

// Processes die at any place, acknowledgements get lost, endpoints refuse, the feed grows: everything is announced, per
// number in order.
func TestAnnouncer_Restarts(t *testing.T) {
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
			a := h.announcer(r, Config{FromStart: true}, r.conn, byAccount)
			restarts := 0
			for step := range 150 {
				if step%10 == 0 {
					want = append(want, r.change(1+random.IntN(1700), oddAccount, "a", "b", "c")...)
				}
				if random.IntN(6) == 0 {
					a = h.announcer(r, Config{FromStart: true}, r.conn, byAccount)
					restarts++
				}
				if random.IntN(12) == 0 { // another aggregator had the work in between
					if _, err := a.turn(t.Context(), false); err != nil {
						t.Fatal(err)
					}
				}
				a.restUntil = time.Time{}
				if _, err := a.turn(t.Context(), true); err != nil {
					t.Fatal(err)
				}
			}
			announceAll(t, a)
			mustHold(t, want, h.changes)
			if got := r.position("webhook"); got != r.seq {
				t.Errorf("the position is %d, want the feed's end %d", got, r.seq)
			}
			if len(h.changes) == len(want) || restarts == 0 {
				t.Errorf("%d restarts and nothing was announced twice: the test tests nothing", restarts)
			}
			if lag := r.metric("notify_lag", "webhook"); lag != 0 {
				t.Errorf("lag %v after all was announced", lag)
			}
		})
	}
}

// A long backlog is read window by window.
func TestAnnouncer_Windows(t *testing.T) {
	r := newNotifyRig(t)
	want := r.change(windowSize+windowSize/2, "a", "b")
	h := &heard{}
	a := h.announcer(r, Config{FromStart: true}, r.conn, false)
	if _, err := a.turn(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if lag := r.metric("notify_lag", "webhook"); lag != float64(len(want)-batchSize) {
		t.Errorf("lag %v after the first batch of %d changes", lag, len(want))
	}
	announceAll(t, a)
	mustHold(t, want, h.changes)
	if h.batches != 30 || len(h.changes) != len(want) {
		t.Errorf("%d batches of %d changes, want 30 of %d", h.batches, len(h.changes), len(want))
	}
	if n := r.metric("notified_total", "webhook"); n != float64(len(want)) {
		t.Errorf("notified_total %v, want %d", n, len(want))
	}
}

// A sink hears of changes from now on, or from the start, and a known one goes on where it was in either case.
func TestAnnouncer_WhereItBegins(t *testing.T) {
	r := newNotifyRig(t)
	old := r.change(10, "a")
	fromNow, fromStart := &heard{}, &heard{}
	now := fromNow.announcer(r, Config{}, r.conn, true)
	announceAll(t, now)
	if len(fromNow.changes) != 0 || r.position("webhook") != r.seq {
		t.Fatalf("a new sink heard of %d old changes, and its position is %d", len(fromNow.changes),
			r.position("webhook"))
	}
	start := fromStart.announcer(r, Config{FromStart: true}, r.conn, true)
	start.sink.positionName = "kafka/x"
	announceAll(t, start)
	mustHold(t, old, fromStart.changes)

	// It changes before the process that found the sink announces anything.
	fresh := r.change(5, "a")
	announceAll(t, fromNow.announcer(r, Config{}, r.conn, true))
	mustHold(t, fresh, fromNow.changes)
	announceAll(t, fromNow.announcer(r, Config{FromStart: true}, r.conn, true))
	if len(fromNow.changes) != len(fresh) {
		t.Error("--notify-from-start announced to a known sink again")
	}
}

// unstoredConn fails the insert of the position, as if the process died before.
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

// The end comes between the acknowledgement and the position: the same batch is announced again, and once the position
// is stored it is not.
func TestAnnouncer_CrashBeforeThePlaceIsStored(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{}
	conn := &unstoredConn{Conn: r.conn}
	a := h.announcer(r, Config{}, conn, true)
	announceAll(t, a)
	before := r.position("webhook")
	want := r.change(30, "a")
	conn.fail = true
	if _, err := a.turn(t.Context(), true); err == nil || h.batches != 1 {
		t.Fatalf("%d batches, error %v", h.batches, err)
	}
	if r.position("webhook") != before {
		t.Fatal("the position moved although it could not be stored")
	}
	// The same process stores it as soon as it can, and announces nothing twice.
	conn.fail = false
	announceAll(t, a)
	if h.batches != 1 || r.position("webhook") != r.seq {
		t.Fatalf("%d batches, position %d, want 1 and %d", h.batches, r.position("webhook"), r.seq)
	}
	want = append(want, r.change(7, "a")...)
	conn.fail = true
	if _, err := a.turn(t.Context(), true); err == nil {
		t.Fatal("the position was stored")
	}
	conn.fail = false
	announceAll(t, h.announcer(r, Config{}, r.conn, true))
	if h.batches != 3 || len(h.changes) != 30+7+7 {
		t.Errorf("%d batches of %d changes, want the last 7 twice", h.batches, len(h.changes))
	}
	mustHold(t, want, h.changes)
	if r.position("webhook") != r.seq {
		t.Error("the position is not the feed's end")
	}
}

// A process that is asked to end keeps the position of what it was acknowledged.
func TestAnnouncer_EndsInOrder(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{}
	announceAll(t, h.announcer(r, Config{}, r.conn, true))
	r.change(5, "a")
	ctx, cancel := context.WithCancel(t.Context())
	h.after = func([]schema.NumberChange) error { cancel(); return nil }
	if _, err := h.announcer(r, Config{}, r.conn, true).turn(ctx, true); err != nil {
		t.Fatal(err)
	}
	if got := r.position("webhook"); got != r.seq {
		t.Errorf("the position is %d, want %d", got, r.seq)
	}
}

// A number that is erased while the sink does not listen is not announced any more.
func TestAnnouncer_Erased(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{before: func([]schema.NumberChange) error { return errors.New("not now") }}
	a := h.announcer(r, Config{FromStart: true}, r.conn, true)
	all := r.change(9, "a")
	if more, err := a.turn(t.Context(), true); !more || err != nil {
		t.Fatal(more, err)
	}
	if err := r.conn.Exec(t.Context(), "ALTER TABLE number_changes DELETE WHERE number = $1 SETTINGS mutations_sync = 2", all[4].Number); err != nil {
		t.Fatal(err)
	}
	h.before = nil
	announceAll(t, a)
	mustHold(t, append(all[:4:4], all[5:]...), h.changes)
}

// Waits grow from firstRetry to longestRetry, and begin anew after an acknowledgement.
func TestAnnouncer_Waits(t *testing.T) {
	r := newNotifyRig(t)
	h := &heard{before: func([]schema.NumberChange) error { return errors.New("not now") }}
	a := h.announcer(r, Config{FromStart: true}, r.conn, true)
	r.change(1, "a")
	for try := range 9 {
		a.restUntil = time.Time{}
		if more, err := a.turn(t.Context(), true); !more || err != nil {
			t.Fatal(more, err)
		}
		base := min(time.Second<<try, time.Minute)
		if wait := time.Until(a.restUntil); wait > base*5/4 || wait < base*3/4-time.Second {
			t.Errorf("after try %d it waits %v, want about %v", try+1, wait, base)
		}
	}
	// It does rest.
	if more, err := a.turn(t.Context(), true); !more || err != nil ||
		r.metric("notify_failures_total", "webhook") != 9 {
		t.Errorf("%v %v, %v failures", more, err, r.metric("notify_failures_total", "webhook"))
	}
	h.before = nil
	announceAll(t, a)
	if a.tries != 0 || r.metric("notify_failures_total", "webhook") != 9 || r.metric("notified_total", "webhook") != 1 {
		t.Errorf("tries %d, failures %v, notified %v", a.tries, r.metric("notify_failures_total", "webhook"),
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
