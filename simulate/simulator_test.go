package simulate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/simulate/model"
)

// writtenEvent is what the tests read of a line.
type writtenEvent struct {
	Account, Template string
	MessageID         string `json:"message_id"`
	SMSText           string `json:"sms_text"`
	Step              int
}

// modelOf plays the whole world into a model whose clock stands at the world's Now. A poison line that the model takes
// for an event, or an event that it refuses, shows that one of both is wrong.
func modelOf(t testing.TB, sim *Simulator) *model.Model {
	t.Helper()
	m := model.New(sim.Now())
	for ev := range sim.Events() {
		if err := m.Add(ev.Line); (err != nil) != (ev.Kind == Poison) {
			t.Fatalf("the model says %v of %s", err, ev.Line)
		}
	}
	return m
}

func ndjson(t testing.TB, cfg Config) []byte {
	t.Helper()
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, err := sim.WriteNDJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	if got := int64(bytes.Count(out.Bytes(), []byte("\n"))); got != n {
		t.Fatalf("%d lines, said to be %d", got, n)
	}
	return out.Bytes()
}

// TestSimulator_WriteNDJSON_Golden pins the bytes of a world. When the simulator is changed on purpose the hash changes
// with it; between machines and Go versions it must not.
func TestSimulator_WriteNDJSON_Golden(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Messages = 5_000
	sum := sha256.Sum256(ndjson(t, cfg))
	const want = "0892b61151397707ce03ba88207d288a5308f1d27ff53d867bdeb73f556e5203"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the world of seed 1 is %s, was %s", got, want)
	}
}

func TestSimulator_Events_Deterministic(t *testing.T) {
	cfg := DirtyConfig(7, 500)
	one, two := ndjson(t, cfg), ndjson(t, cfg)
	if !bytes.Equal(one, two) {
		t.Error("the same configuration gives other bytes")
	}
	cfg.Seed = 8
	if bytes.Equal(one, ndjson(t, cfg)) {
		t.Error("another seed gives the same bytes")
	}
}

// TestSimulator_Play_SameBytesAtEverySpeed plays a world in batches of several sizes, paced and not, and from several
// goroutines.
func TestSimulator_Play_SameBytesAtEverySpeed(t *testing.T) {
	cfg := DirtyConfig(7, 200)
	want := ndjson(t, cfg)
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	total := bytes.Count(want, []byte("\n"))
	for _, pace := range []Pace{{}, {Batch: 1}, {Batch: 7, PerSecond: float64(20 * total)}, {Batch: 100_000}} {
		t.Run(fmt.Sprintf("%d at %v", pace.Batch, pace.PerSecond), func(t *testing.T) {
			t.Parallel()
			var got []byte
			last := 0.0
			pace.Progress = func(_ int64, done float64) {
				if done < 0 || done > 1 {
					t.Errorf("done is %v", done)
				}
				last = done
			}
			lines, err := sim.Play(context.Background(), func(_ context.Context, keys, values [][]byte) error {
				for i, v := range values {
					if len(keys[i]) == 0 || len(keys) != len(values) {
						t.Errorf("%s has no key", v)
					}
					got = append(append(got, v...), '\n')
				}
				return nil
			}, pace)
			if err != nil || lines != int64(total) || !bytes.Equal(got, want) || last != 1 {
				t.Errorf("%d lines of %d, done %v, equal %v, %v", lines, total, last, bytes.Equal(got, want), err)
			}
		})
	}
}

func TestSimulator_Play_Paced(t *testing.T) {
	sim, err := New(DirtyConfig(1, 20))
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	lines, err := sim.Play(context.Background(), func(context.Context, [][]byte, [][]byte) error { return nil },
		Pace{Batch: 5, PerSecond: 1000})
	if err != nil {
		t.Fatal(err)
	}
	// A lower bound alone: a busy machine may be slower, never faster.
	if least := time.Duration(lines-5) * time.Millisecond; time.Since(started) < least {
		t.Errorf("%d lines took %s, at least %s at 1000/s", lines, time.Since(started), least)
	}
}

func TestSimulator_Play_Errors(t *testing.T) {
	sim, err := New(DirtyConfig(1, 20))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broker away")
	lines, err := sim.Play(context.Background(), func(context.Context, [][]byte, [][]byte) error { return broken },
		Pace{})
	if !errors.Is(err, broken) || lines != 0 {
		t.Errorf("%d lines, %v", lines, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	lines, err = sim.Play(ctx, func(context.Context, [][]byte, [][]byte) error { cancel(); return nil },
		Pace{Batch: 3, PerSecond: 1e-3})
	if !errors.Is(err, context.Canceled) || lines != 3 {
		t.Errorf("%d lines, %v", lines, err)
	}
}

// TestSimulator_Events_Shares holds the shares of a world to its configuration, within five standard deviations.
func TestSimulator_Events_Shares(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Messages, cfg.Poison, cfg.Multipart = 30_000, 0.01, 0.5
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var all, originals, duplicates, late, reordered, poison, recipient, ulids, plain, sparseLines, unknown float64
	attempts := map[string]bool{}
	skewed := map[string]bool{}
	messages := map[string]bool{}
	var last time.Time
	for ev := range sim.Events() {
		if ev.Arrival.Before(last) {
			t.Fatalf("%s arrives before its predecessor", ev.Line)
		}
		last = ev.Arrival
		if ev.Kind == Poison {
			poison++
			continue
		}
		all++
		if ev.Duplicate {
			duplicates++
			continue
		}
		originals++
		if ev.Late {
			late++
			if d := ev.Arrival.Sub(ev.Occurred); d < 24*time.Hour || d > 73*time.Hour {
				t.Fatalf("%s is late by %s", ev.Line, d)
			}
		}
		if ev.Reordered {
			reordered++
		}
		if bytes.Contains(ev.Line, []byte(`"x_trace":`)) || bytes.Contains(ev.Line, []byte(`"comment":`)) {
			unknown++
		}
		if ev.Kind == Recipient {
			recipient++
			continue
		}
		var w writtenEvent
		if err := json.Unmarshal(ev.Line, &w); err != nil {
			t.Fatal(err)
		}
		if w.Template == "" {
			sparseLines++
		}
		if !messages[w.Account+w.MessageID] {
			messages[w.Account+w.MessageID] = true
			switch {
			case len(w.MessageID) == 26:
				ulids++
			case len(w.MessageID) < 26 || w.MessageID[14] == '4':
				plain++
			}
		}
		key := fmt.Sprint(w.Account, "/", w.MessageID, "/", w.Step)
		attempts[key] = true
		if ev.Kind == Status && !ev.Late && !ev.Reordered && ev.Arrival.Sub(ev.Occurred) > 119*time.Second {
			skewed[key] = true
		}
	}
	near := func(name string, count, of, share float64) {
		t.Helper()
		if deviation := math.Sqrt(of * share * (1 - share)); math.Abs(count-of*share) > 5*deviation {
			t.Errorf("%s: %.0f of %.0f is %.4f, want %.4f", name, count, of, count/of, share)
		}
	}
	n := float64(cfg.Messages)
	if len(messages) != cfg.Messages {
		t.Errorf("%d of %d messages have events", len(messages), cfg.Messages)
	}
	near("duplicates", duplicates, originals, cfg.Duplicates)
	near("late", late, originals, cfg.Late)
	near("reordered", reordered, originals, cfg.Reordered*(1-cfg.Late))
	near("poison", poison, all, cfg.Poison)
	near("recipient events", recipient, n, cfg.RecipientEvents)
	near("ULIDs", ulids, n, cfg.ULIDs)
	near("plain ids", plain, n, cfg.PlainIDs)
	near("unknown fields", unknown, originals-recipient, cfg.UnknownFields)
	if share := sparseLines / originals; share < 0.5*cfg.SparseReceipts || share > cfg.SparseReceipts {
		t.Errorf("sparse receipts: %.3f, want below %.3f: the first events are never sparse", share, cfg.SparseReceipts)
	}
	if share := float64(len(skewed)) / float64(len(attempts)); share < 0.3*cfg.FarSkew || share > cfg.FarSkew*1.5 {
		t.Errorf("far skew: %.5f of attempts, want about %.5f of those that are delivered", share, cfg.FarSkew)
	}
}

// TestSimulator_Model_Variety checks that a default world shows everything a report can tell: every channel, status,
// trigger, country and id, cascades of three steps, parked messages, skipped and skewed attempts, all four bounds.
func TestSimulator_Model_Variety(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Messages = 30_000
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := modelOf(t, sim)
	values := func(name string) []string {
		rows, err := m.ChannelReport(model.Query{GroupBy: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range rows {
			all = append(all, r.Keys[0].String())
		}
		return all
	}
	for name, want := range map[string]string{
		"channel": "email flash_call instagram messenger ok push rcs sms telegram viber vk voice whatsapp",
		"trigger": " expired first manual no_app rejected undelivered unread",
		"traffic": " otp promo service transactional",
		"country": " BY DE GB IN KZ NP RU UA US UZ",
		"step":    "1 2 3",
		"account": "kinozal kurier lavka medline nordbank центр",
		"provider": "apns bird bot devino edna fastgate fcm gateway infobip meta mts rbm sendgrid twilio unisender " +
			"zvonok",
	} {
		if got := strings.Join(values(name), " "); got != want && name != "provider" {
			t.Errorf("%s: %q, want %q", name, got, want)
		} else if name == "provider" && len(values(name)) < 12 {
			t.Errorf("%s: %q, want most of %q", name, got, want)
		}
	}
	whole, err := m.ChannelReport(model.Query{})
	if err != nil {
		t.Fatal(err)
	}
	w := whole[0]
	for i, n := range []int64{w.Attempted, w.Sent, w.Delivered, w.Read, w.Clicked, w.Replied, w.Failed, w.Pending,
		w.Skipped, w.Skewed, w.MachineOpened, w.Unsubscribed, w.Blocked, w.Complained} {
		if n == 0 {
			t.Errorf("count %d is 0: %+v", i, w)
		}
	}
	if c := m.Counts(); c.ParkedMessages == 0 || c.Rejected == 0 || c.Recipient == 0 ||
		c.Messages != int64(cfg.Messages) {
		t.Errorf("%+v", c)
	}
	multipart := map[string]bool{}
	for ev := range sim.Events() {
		var w writtenEvent
		if ev.Kind == Status && bytes.Contains(ev.Line, []byte(`"part":`)) && json.Unmarshal(ev.Line, &w) == nil {
			multipart[fmt.Sprint(w.Account, "/", w.MessageID, "/", w.Step)] = true
		}
	}
	if len(multipart) < 100 {
		t.Errorf("%d attempts with receipts by part", len(multipart))
	}
}

// TestSimulator_Events_RatesFollowSources checks the figures that have a source against the report of a default world.
func TestSimulator_Events_RatesFollowSources(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Messages = 60_000
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := modelOf(t, sim)
	rows, err := m.ChannelReport(model.Query{GroupBy: []string{"channel"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		within := func(name string, x model.Rate, low, high float64) {
			if v := float64(x.Num) / float64(x.Den); v < low || v > high {
				t.Errorf("%s of %s is %.3f, want %.2f…%.2f", name, r.Keys[0].Text, v, low, high)
			}
		}
		switch r.Keys[0].Text {
		case "vk": // 42 % within a minute, 90 % within a day, 85 % read within a day, before what never comes back.
			within("delivered_1m", r.Delivered1m, 0.36, 0.48)
			within("delivered_24h", r.Delivered24h, 0.80, 0.92)
			within("read_24h", r.Read24h, 0.73, 0.88)
		case "email":
			within("open", r.Open, 0.18, 0.24)
		case "messenger", "instagram":
			within("open", r.Open, 0.74, 0.86)
		case "flash_call": // 98 % of numbers in service, of attempts that are spoken of again.
			within("delivery", r.Delivery, 0.90, 0.985)
		}
	}
}

// TestSimulator_Events_Now checks that a world with a clock tells nothing of its future.
func TestSimulator_Events_Now(t *testing.T) {
	cfg := DirtyConfig(2, 2000)
	cfg.Now = cfg.Start.Add(12 * time.Hour)
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !sim.Now().Equal(cfg.Now) {
		t.Errorf("now is %s", sim.Now())
	}
	n := 0
	for ev := range sim.Events() {
		if n++; ev.Kind != Poison && ev.Occurred.After(cfg.Now) {
			t.Fatalf("%s is of the future", ev.Line)
		}
	}
	if all := bytes.Count(ndjson(t, DirtyConfig(2, 2000)), []byte("\n")); n < all/10 || n > all*9/10 {
		t.Errorf("%d of %d lines came by noon", n, all)
	}
	modelOf(t, sim)
}

func TestNew_RefusesFaults(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"messages":    func(c *Config) { c.Messages = 0 },
		"accounts":    func(c *Config) { c.Accounts = 0 },
		"duration":    func(c *Config) { c.Duration = 0 },
		"late":        func(c *Config) { c.Late = 1.1 },
		"duplicates":  func(c *Config) { c.Duplicates = math.NaN() },
		"ULIDs":       func(c *Config) { c.ULIDs, c.PlainIDs = 0.6, 0.6 },
		"routes":      func(c *Config) { c.Routes = []Route{{"otp", 1, []Step{{Channel: "sms"}}}} },
		"pigeon":      func(c *Config) { c.Channels = map[string]Channel{"pigeon": {}} },
		"no provider": func(c *Config) { c.Channels = map[string]Channel{"sms": {}} },
		"nobody": func(c *Config) {
			c.Routes = DefaultRoutes()
			c.Routes[0].Steps[0].Provider = "nobody"
		},
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{}); err == nil || strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not all faults are named: %v", err)
	}
}

// TestAppendTime_AgreesWithTime checks the hand-written calendar against the library.
func TestAppendTime_AgreesWithTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ms := rapid.Int64Range(0, time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()).Draw(rt, "ms")
		offset := rapid.SampledFrom([]int64{0, 3 * hourMS, -5 * hourMS, 5*hourMS + hourMS/2}).Draw(rt, "offset")
		if ms+offset < 0 {
			return
		}
		zone := zone{offset: offset, suffix: time.UnixMilli(0).In(time.FixedZone("",
			int(offset/1000))).Format("Z07:00")}
		want := time.UnixMilli(ms).In(time.FixedZone("", int(offset/1000))).Format("2006-01-02T15:04:05.000Z07:00")
		if got := string(appendTime(nil, ms, zone, 0)); got != want {
			rt.Fatalf("%d: %s, want %s", ms, got, want)
		}
	})
}

// TestModel_Add_Refused checks that each kind of poison is refused for its own reason, not for another fault.
func TestModel_Add_Refused(t *testing.T) {
	reasons := []string{"line", "line", "account", "message_id", "channel", "recipient", "status", "occurred_at",
		"status", "channel", "traffic", "trigger", "step",
		"step", "parts", "part", "part", "currency", "price", "price", "occurred_at", "occurred_at", "submitted_at",
		"occurred_at", "recipient", "recipient",
		"recipient", "campaign", "template", "message_id", "campaign"}
	if len(reasons) != len(poisons) {
		t.Fatalf("%d reasons for %d poisons", len(reasons), len(poisons))
	}
	m := model.New(noon)
	for i, text := range poisons {
		line := strings.NewReplacer("NOW", "2026-11-20T10:00:00Z", "ID", "p", "LONG",
			strings.Repeat("x", 150)).Replace(text)
		err := m.Add([]byte(line))
		if err == nil || !strings.HasPrefix(err.Error(), reasons[i]) {
			t.Errorf("%s: %v, want a fault of %s", line, err, reasons[i])
		}
	}
	if c := m.Counts(); c.Rejected != int64(len(poisons)) || c.Messages != 0 {
		t.Errorf("%+v", c)
	}
	if err := m.Add(nil); err != nil || m.Counts().Events != int64(len(poisons)) {
		t.Errorf("a tombstone is counted as an event: %v", err)
	}
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
